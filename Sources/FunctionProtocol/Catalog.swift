// Requests and replies of the catalog calls, and the table as host and worker send it. FunctionKit has its own `Table`
// and `TableFile`, so that the sources of handlers do not depend on the names of the wire.

/// A column of a table. Types in Hive's words: `boolean bigint double decimal(p,s) date timestamp string …`.
package struct CatalogColumn: Codable, Sendable, Hashable {
    package var name: String
    package var type: String

    package init(name: String, type: String) {
        self.name = name
        self.type = type
    }
}

/// GET_TABLE: reply `TableReply`.
package struct TableRequest: Codable, Sendable {
    package var database: String
    package var table: String

    package init(database: String, table: String) {
        self.database = database
        self.table = table
    }
}

/// Answer to GET_TABLE.
package struct TableReply: Codable, Sendable {
    /// Nil where the catalog does not know the table.
    package var table: CatalogTable?

    package init(table: CatalogTable?) {
        self.table = table
    }
}

/// A table of the catalog, in its newest version.
package struct CatalogTable: Codable, Sendable, Hashable {
    package var database: String
    package var name: String
    /// 1 for the first schema; one more with each change of columns or partition keys.
    package var version: Int
    package var columns: [CatalogColumn]
    package var partitionKeys: [CatalogColumn]
    /// `<bucket>/<prefix>/`
    package var location: String
    /// `parquet`, `csv`, `json`
    package var classification: String
    /// Free properties, such as `owner`.
    package var properties: [String: String]
    package var fileCount: Int64
    package var rowCount: Int64
    package var byteCount: Int64

    package init(
        database: String, name: String, version: Int, columns: [CatalogColumn], partitionKeys: [CatalogColumn],
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

/// REGISTER_FILE: adds one file to a table (which is made if unknown) when the invocation succeeds. Idempotent by
/// (bucket, key). Empty reply.
package struct RegisterFileRequest: Codable, Sendable {
    package var database: String
    package var table: String
    /// The version of the table whose schema the file was written with; 0 when the table was unknown. If the table has
    /// moved on to other columns by the time the effects commit, the attempt is tried again (`CatalogConflict`).
    package var baseVersion: Int
    package var columns: [CatalogColumn]
    package var partitionKeys: [CatalogColumn]
    /// Values of the partition keys of this file, in their order.
    package var partition: [String]
    package var location: String
    package var classification: String
    package var properties: [String: String]
    package var file: ObjectAddress
    package var rows: Int64
    package var record: Int?

    package init(
        database: String, table: String, baseVersion: Int, columns: [CatalogColumn],
        partitionKeys: [CatalogColumn] = [],
        partition: [String] = [], location: String, classification: String = "parquet",
        properties: [String: String] = [:], file: ObjectAddress, rows: Int64, record: Int? = nil
    ) {
        self.database = database
        self.table = table
        self.baseVersion = baseVersion
        self.columns = columns
        self.partitionKeys = partitionKeys
        self.partition = partition
        self.location = location
        self.classification = classification
        self.properties = properties
        self.file = file
        self.rows = rows
        self.record = record
    }
}
