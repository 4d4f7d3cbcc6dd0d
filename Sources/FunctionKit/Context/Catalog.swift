import FunctionProtocol

/// A column of a table: its name, and its type in Hive's words (`bigint`, `string`, `decimal(10,2)`, …).
public struct TableColumn: Sendable, Hashable, Codable {
    public var name: String
    public var type: String

    public init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// A table as the catalog knows it.
public struct Table: Sendable, Hashable {
    public var database: String
    public var name: String
    /// 1 for the first schema; one more with each change of columns or partition keys.
    public var version: Int
    public var columns: [TableColumn]
    public var partitionKeys: [TableColumn]
    /// `<bucket>/<prefix>/`
    public var location: String
    /// `parquet`, `csv`, `json`
    public var classification: String
    /// Free properties, such as `owner`.
    public var properties: [String: String]
    public var fileCount: Int64
    public var rowCount: Int64
    public var byteCount: Int64

    public init(
        database: String, name: String, version: Int, columns: [TableColumn], partitionKeys: [TableColumn],
        location: String, classification: String, properties: [String: String], fileCount: Int64, rowCount: Int64,
        byteCount: Int64
    ) {
        self.database = database
        self.name = name
        self.version = version
        self.columns = columns
        self.partitionKeys = partitionKeys
        self.location = location
        self.classification = classification
        self.properties = properties
        self.fileCount = fileCount
        self.rowCount = rowCount
        self.byteCount = byteCount
    }
}

/// A file that a table gets, and what the file says of the table.
public struct TableFile: Sendable, Hashable {
    public var database: String
    public var table: String
    /// The file, put in this same invocation or before.
    public var file: ObjectLocation
    public var rows: Int64
    public var columns: [TableColumn]
    public var partitionKeys: [TableColumn]
    /// The values of the partition keys for this file, in their order.
    public var partition: [String]
    /// `<bucket>/<prefix>/` under which the table's files lie.
    public var location: String
    public var classification: String
    /// Merged into the table's properties.
    public var properties: [String: String]

    public init(
        database: String, table: String, file: ObjectLocation, rows: Int64, columns: [TableColumn],
        partitionKeys: [TableColumn] = [], partition: [String] = [], location: String,
        classification: String = "parquet", properties: [String: String] = [:]
    ) {
        self.database = database
        self.table = table
        self.file = file
        self.rows = rows
        self.columns = columns
        self.partitionKeys = partitionKeys
        self.partition = partition
        self.location = location
        self.classification = classification
        self.properties = properties
    }
}

extension Context {
    /// The tables of the data lake.
    public struct Catalog: Sendable {
        let context: Context

        /// A table, or nil if the catalog does not know it.
        public func table(_ database: String, _ name: String) async throws -> Table? {
            let request = TableRequest(database: database, table: name)
            return try context.scope.call(.getTable, request, reply: TableReply.self).table.map(Table.init)
        }

        /// Adds a file to a table when the invocation succeeds; an unknown table is made. Idempotent by bucket and key.
        ///
        /// `base` is the table as the file was written for, nil where it was unknown: if another invocation has changed
        /// its schema meanwhile, the attempt fails with `CatalogConflict` and is tried again.
        public func register(_ file: TableFile, base: Table?) async throws {
            let request = RegisterFileRequest(
                database: file.database, table: file.table, baseVersion: base?.version ?? 0,
                columns: file.columns.map(CatalogColumn.init),
                partitionKeys: file.partitionKeys.map(CatalogColumn.init),
                partition: file.partition, location: file.location, classification: file.classification,
                properties: file.properties, file: ObjectAddress(file.file), rows: file.rows, record: context.record)
            _ = try context.scope.call(.registerFile, request, reply: EmptyReply.self)
        }
    }
}

extension CatalogColumn {
    fileprivate init(_ column: TableColumn) { self.init(name: column.name, type: column.type) }
}

extension Table {
    init(_ table: CatalogTable) {
        self.init(
            database: table.database, name: table.name, version: table.version,
            columns: table.columns.map { TableColumn(name: $0.name, type: $0.type) },
            partitionKeys: table.partitionKeys.map { TableColumn(name: $0.name, type: $0.type) },
            location: table.location, classification: table.classification, properties: table.properties,
            fileCount: table.fileCount, rowCount: table.rowCount, byteCount: table.byteCount)
    }
}
