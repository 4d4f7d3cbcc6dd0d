import Columnar
public import FunctionKit
public import FunctionSupport

/// Joins each file of orders with a reference table that lies in a bucket, adds the time of ingestion, and appends the
/// result to a table of the curated zone.
///
/// It is a left join: an order whose key the reference does not have keeps its row, with nulls in the joined columns.
/// The reference is kept in the worker between invocations and read again when its etag has changed.
public struct EnrichOrders: Handler {
    /// The `configuration` of function.yaml; what is left out has the value of the sample pipeline.
    struct Configuration: Decodable, Sendable {
        struct Reference: Decodable, Sendable {
            var bucket: String?
            var key: String?
            /// The column of the reference by which it is joined; each value occurs once.
            var column: String?
            /// Stands before the names of the joined columns.
            var prefix: String?
        }

        var reference: Reference?
        /// The column of the orders that holds the reference's key.
        var joinColumn: String?
        /// The column that gets the time of the event.
        var ingestedColumn: String?
        var database: String?
        var table: String?
        var load: TableLoader.Settings?
    }

    /// What was loaded, and how the join went.
    public struct Output: Codable, Sendable, Hashable {
        public var loaded: TableLoader.Loaded
        /// Orders with and without a match in the reference.
        public var matched: Int64
        public var unmatched: Int64
        /// The version of the reference that was joined.
        public var referenceETag: String
    }

    private let cache = ReferenceCache()
    private var configuration: Configuration?

    public init() {}

    public mutating func prepare(_ setup: FunctionSetup) throws {
        configuration = try setup.configuration(refusesUnknownKeys: true)
        _ = try configuration.map(Self.loader)
    }

    private static func loader(_ configuration: Configuration) throws -> TableLoader {
        try TableLoader(configuration.load ?? TableLoader.Settings(), defaultBucket: "curated-zone")
    }

    /// Joins the orders of a file with the reference, and loads them into the table.
    public func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> Output {
        let configuration = try configuration ?? context.configuration(refusesUnknownKeys: true)
        let loader = try Self.loader(configuration)
        let settings = configuration.reference
        let data = try await context.objects.get(event.detail.bucket.name, event.detail.object.key)
        let reference = try await cache.reference(
            ObjectLocation(bucket: settings?.bucket ?? "reference", key: settings?.key ?? "customers.csv"),
            column: settings?.column ?? "customer_id", context: context)
        // The event's own time, so that a retry or a redrive of it writes the same rows again.
        let join = JoinProcessor(
            reference: reference.table, joinColumn: configuration.joinColumn ?? "customer_id",
            prefix: settings?.prefix ?? "customer_", ingestedColumn: configuration.ingestedColumn ?? "ingested_at",
            ingestedAt: event.time.nanosecondsSinceEpoch / 1000)
        let loaded = try await loader.load(
            data, database: configuration.database ?? "sales", table: configuration.table ?? "orders",
            context: context, processor: join)
        return Output(
            loaded: loaded, matched: join.matched, unmatched: join.unmatched, referenceETag: reference.etag)
    }
}
