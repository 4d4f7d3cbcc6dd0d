public import FunctionKit
public import FunctionSupport

/// Makes a Parquet table of the CSV files that arrive under `<…>/<database>/<table>/`.
///
/// Each file becomes one Parquet file of the table; the first one makes the table, with inferred types, and its schema
/// is the reading schema of all further files. What does not fit is `SchemaMismatch`, naming column, row and text.
public struct CSVToParquet: Handler {
    /// The settings that were given in function.yaml.
    private var loader: TableLoader?

    public init() {}

    public mutating func prepare(_ setup: FunctionSetup) throws {
        loader = try TableLoader(try setup.configuration(refusesUnknownKeys: true), defaultBucket: "clean-zone")
    }

    /// Converts a file to Parquet and loads it into the table.
    public func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> TableLoader.Loaded {
        let loader =
            try loader ?? TableLoader(try context.configuration(refusesUnknownKeys: true), defaultBucket: "clean-zone")
        let key = try TableKey(event.detail.object.key)
        let data = try await context.objects.get(event.detail.bucket.name, event.detail.object.key)
        return try await loader.load(data, database: key.database, table: key.table, context: context)
    }
}
