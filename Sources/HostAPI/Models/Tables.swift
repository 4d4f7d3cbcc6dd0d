/// A table of the catalog.
package struct TableInfo: Codable, Sendable, Hashable {
    /// A column or partition key.
    package struct Column: Codable, Sendable, Hashable {
        package var name: String
        /// In Hive's words: `bigint`, `string`, `decimal(10,2)`.
        package var type: String

        package init(name: String, type: String) {
            self.name = name
            self.type = type
        }
    }

    package var database: String
    package var name: String
    package var version: Int
    package var columns: [Column]
    package var partitionKeys: [Column]
    /// `<bucket>/<prefix>/`
    package var location: String
    package var classification: String
    package var properties: [String: String]
    package var files: Int64
    package var rows: Int64
    package var bytes: Int64

    package init(
        database: String, name: String, version: Int, columns: [Column], partitionKeys: [Column], location: String,
        classification: String, properties: [String: String], files: Int64, rows: Int64, bytes: Int64
    ) {
        self.database = database
        self.name = name
        self.version = version
        self.columns = columns
        self.partitionKeys = partitionKeys
        self.location = location
        self.classification = classification
        self.properties = properties
        self.files = files
        self.rows = rows
        self.bytes = bytes
    }
}

/// `catalog drop`.
package struct DropTableRequest: Codable, Sendable, Hashable {
    /// The table's files go, too.
    package var deleteFiles: Bool

    package init(deleteFiles: Bool = false) {
        self.deleteFiles = deleteFiles
    }
}

/// Answer to `catalog drop`.
package struct DropTableResult: Codable, Sendable, Hashable {
    /// Files that were deleted.
    package var deleted: Int64
    /// Files that stay where they are, and belong to no table.
    package var left: Int64
    /// Where they are: `<bucket>/<prefix>/`
    package var location: String

    package init(deleted: Int64, left: Int64, location: String) {
        self.deleted = deleted
        self.left = left
        self.location = location
    }
}

/// `catalog show`: a table with its history and its newest files.
package struct TableDetail: Codable, Sendable, Hashable {
    /// The columns of one version.
    package struct Version: Codable, Sendable, Hashable {
        package var version: Int
        package var columns: [TableInfo.Column]

        package init(version: Int, columns: [TableInfo.Column]) {
            self.version = version
            self.columns = columns
        }
    }

    /// A file of the table.
    package struct File: Codable, Sendable, Hashable {
        package var bucket: String
        package var key: String
        package var rows: Int64
        package var bytes: Int64
        /// Values of the partition keys, in their order.
        package var partition: [String]
        package var schemaVersion: Int

        package init(
            bucket: String, key: String, rows: Int64, bytes: Int64, partition: [String] = [], schemaVersion: Int
        ) {
            self.bucket = bucket
            self.key = key
            self.rows = rows
            self.bytes = bytes
            self.partition = partition
            self.schemaVersion = schemaVersion
        }
    }

    /// As in `table`. Nil from a host that does not tell.
    package private(set) var database: String?
    package private(set) var name: String?
    package var table: TableInfo
    /// Oldest first.
    package var versions: [Version]
    /// At most 100.
    package var files: [File]

    package init(table: TableInfo, versions: [Version], files: [File]) {
        (database, name) = (table.database, table.name)
        self.table = table
        self.versions = versions
        self.files = files
    }
}
