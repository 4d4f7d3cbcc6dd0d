public import FunctionKit
import FunctionSupport

/// Makes a Parquet table of a stream whose records are JSON objects: each batch becomes one Parquet file, or one in
/// each folder of its partition, with a generated name, registered in the catalog.
///
/// The first batch makes the table, with inferred types. A record that is no JSON object, does not fit the table or
/// breaks a rule of the configuration fails alone, for good, and becomes a dead letter; the others go on. Those after
/// it with the same partition key wait for the next batch, so that the order of a key is kept: the rule's `ordering` is
/// the stream's own (the default) or `none`.
public struct StreamToParquet: BatchHandler {
    /// The `configuration` of function.yaml; each key may be left out.
    struct Configuration: Decodable, Sendable {
        /// `streams` unless given.
        var database: String?
        /// The stream's name unless given.
        var table: String?
        /// Columns that get what the stream knows of a record, where they are named; a member of that name in the
        /// record stays as it is.
        var arrivalColumn: String?
        var partitionKeyColumn: String?
        var sequenceNumberColumn: String?
        var load: TableLoader.Settings?
    }

    private var configuration = Configuration()
    private var loader: TableLoader?

    public init() {}

    public mutating func prepare(_ setup: FunctionSetup) throws {
        configuration = try setup.configuration(refusesUnknownKeys: true)
        loader = try Self.loader(configuration)
    }

    private static func loader(_ configuration: Configuration) throws -> TableLoader {
        try TableLoader(configuration.load ?? TableLoader.Settings(), defaultBucket: "clean-zone")
    }

    /// Loads a batch of records into the table; a record that cannot be read fails alone.
    public func handle(_ records: [Record<StreamRecord>], context: Context) async throws -> [RecordResult] {
        guard let stream = records.first?.event.streamName else { return [] }
        let loader = try loader ?? Self.loader(configuration)
        let row = StreamRow(configuration)
        var results: [RecordResult] = []
        var lines: [TableLoader.Line] = []
        // Of `lines`, among the records.
        var places: [Int] = []
        var failed: Set<String> = []
        for (place, record) in records.enumerated() {
            let key = record.event.partitionKey
            do throws(HandlerError) {
                let line = try row.line(record.event)
                if failed.contains(key) { throw Self.heldBack(record.event) }
                lines.append(TableLoader.Line(line, group: key, context: record.context))
                places.append(place)
                results.append(.ok)
            } catch {
                failed.insert(key)
                results.append(.failed(error))
            }
        }
        let answer = try await loader.load(
            lines: lines, source: "the stream \(stream)", database: configuration.database ?? "streams",
            table: configuration.table ?? StreamRow.tableName(stream))
        for (index, error) in answer.rejected {
            var error = error
            error.message = "record \(records[places[index]].event.sequenceNumber): \(error.message)"
            results[places[index]] = .failed(error)
        }
        for index in answer.heldBack { results[places[index]] = .failed(Self.heldBack(records[places[index]].event)) }
        return results
    }

    private static func heldBack(_ record: StreamRecord) -> HandlerError {
        HandlerError(
            code: "HeldBack",
            message: "record \(record.sequenceNumber) comes after one of its partition key \"\(record.partitionKey)\" "
                + "that has failed; it is delivered again",
            retry: true)
    }
}
