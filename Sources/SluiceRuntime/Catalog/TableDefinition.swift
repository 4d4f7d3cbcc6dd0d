package import FunctionProtocol

/// A table's schema and place, as the journal keeps it (the counts are the journal's own).
package struct TableDefinition: Codable, Sendable, Hashable {
    package var version: Int
    package var columns: [CatalogColumn]
    package var partitionKeys: [CatalogColumn]
    package var location: String
    package var classification: String
    package var properties: [String: String]
    /// RFC 3339.
    package var created: String
    package var updated: String

    /// Why a file cannot be registered.
    package enum Refusal: Error, Sendable, Hashable {
        /// The table has moved on: convert again with its present schema.
        case conflict(String)
        /// A column would have two types in one folder.
        case mismatch(String)
    }

    /// The definition after a file was registered with `request`, given the present one (nil: the table is unknown).
    /// Columns are only ever added; a column's type never changes, so every file of the folder reads with one schema.
    package static func registering(
        _ request: RegisterFileRequest, into current: TableDefinition?, at time: String
    ) throws(Refusal) -> TableDefinition {
        let name = "\(request.database).\(request.table)"
        guard var table = current else {
            guard request.baseVersion == 0 else {
                throw .conflict("table \(name) was dropped after the file was converted for it")
            }
            return TableDefinition(
                version: 1, columns: request.columns, partitionKeys: request.partitionKeys, location: request.location,
                classification: request.classification, properties: request.properties, created: time, updated: time)
        }
        let known = Dictionary(table.columns.map { ($0.name, $0.type) }, uniquingKeysWith: { first, _ in first })
        var added: [CatalogColumn] = []
        for column in request.columns {
            guard let type = known[column.name] else {
                added.append(column)
                continue
            }
            guard type == column.type else {
                let text = "column \(column.name) of table \(name) is \(type), the file has \(column.type)"
                if request.baseVersion != table.version { throw .conflict(text) }
                throw .mismatch(text)
            }
        }
        guard table.partitionKeys == request.partitionKeys else {
            throw .mismatch(
                "table \(name) is partitioned by (\(table.partitionKeys.map(\.name).joined(separator: ", "))), the file by "
                    + "(\(request.partitionKeys.map(\.name).joined(separator: ", ")))")
        }
        if !added.isEmpty {
            table.columns += added
            table.version += 1
            table.updated = time
        }
        for (key, value) in request.properties where table.properties[key] != value {
            table.properties[key] = value
            table.updated = time
        }
        return table
    }
}
