import FunctionKit
import FunctionProtocol
import Synchronization

extension TestHost {
    func demandRead(_ bucket: String) throws { try demand("read", "bucket", bucket, settings.grants?.read) }

    func demandWrite(_ bucket: String) throws { try demand("write", "bucket", bucket, settings.grants?.write) }

    func demandEvents(_ bus: String?) throws {
        try demand("events", "bus", bus ?? "default", settings.grants?.events)
    }

    func demandStream(_ stream: String) throws { try demand("streams", "stream", stream, settings.grants?.streams) }

    private func demand(_ grant: String, _ kind: String, _ name: String, _ granted: Set<String>?) throws {
        guard let granted, !granted.contains(name), !granted.contains("*") else { return }
        throw HostRefusal(
            code: .accessDenied,
            message: "function \(settings.functionName) has no grant for \(kind) \(name); "
                + "add it to grants.\(grant) in function.yaml",
            retry: false)
    }

    func stored(_ bucket: String, _ key: String) throws -> Stored {
        try demandRead(bucket)
        guard let stored = state.withLock({ $0.buckets[bucket]?[key] }) else {
            throw HostRefusal(code: .noSuchKey, message: "there is no object \(bucket)/\(key)", retry: false)
        }
        return stored
    }

    func list(_ request: ListRequest) throws -> ListReply {
        try demandRead(request.bucket)
        let limit = min(max(request.limit, 1), 1000)
        return state.withLock { state in
            let found = (state.buckets[request.bucket] ?? [:])
                .filter { $0.key.hasPrefix(request.prefix) && $0.key > request.after ?? "" }
                .sorted { $0.key < $1.key }
            let page = found.prefix(limit).map { ObjectDescription($0.value.info(request.bucket, $0.key)) }
            return ListReply(objects: page, next: found.count > limit ? page.last?.key : nil)
        }
    }
}

extension TestHost.State {
    /// Makes one effect visible. Throws what the real host's publication would fail with.
    mutating func apply(_ action: Effect.Action) throws {
        switch action {
        case .put(let location, let bytes, let overwrite): try publish(location, bytes, overwrite)
        case .copy(let source, let destination, let overwrite):
            try publish(destination, try bytes(of: source), overwrite)
        case .move(let source, let destination, let overwrite):
            try publish(destination, try bytes(of: source), overwrite)
            remove(source)
        case .delete(let location): remove(location)
        case .send(let event): events.append(event)
        case .putRecord(let record): records.append(streamRecord(record))
        case .register(let file, let baseVersion): try register(file, baseVersion)
        }
    }

    /// The catalog forgets a file with its object.
    private mutating func remove(_ location: ObjectLocation) {
        buckets[location.bucket]?[location.key] = nil
        for name in tables.keys where tables[name]?.files.removeValue(forKey: location) != nil {
            tables[name]?.recount()
        }
    }

    private func bytes(of location: ObjectLocation) throws -> [UInt8] {
        guard let stored = buckets[location.bucket]?[location.key] else {
            throw HostRefusal(code: .noSuchKey, message: "there is no object \(location) any more")
        }
        return stored.bytes
    }

    private mutating func publish(_ location: ObjectLocation, _ bytes: [UInt8], _ overwrite: Bool) throws {
        guard overwrite || buckets[location.bucket]?[location.key] == nil else {
            throw HostRefusal(
                code: .keyExists,
                message: "there is an object \(location) already; put it with overwrite: true to replace it")
        }
        put(location.bucket, location.key, bytes)
    }

    private mutating func register(_ file: TableFile, _ baseVersion: Int) throws {
        let name = "\(file.database).\(file.table)"
        var entry =
            tables[name]
            ?? StoredTable(
                table: Table(
                    database: file.database, name: file.table, version: 1, columns: file.columns,
                    partitionKeys: file.partitionKeys, location: file.location, classification: file.classification,
                    properties: [:], fileCount: 0, rowCount: 0, byteCount: 0))
        if entry.table.columns != file.columns || entry.table.partitionKeys != file.partitionKeys {
            guard baseVersion == entry.table.version else {
                throw HostRefusal(
                    code: "CatalogConflict",
                    message:
                        "table \(name) is at version \(entry.table.version), the file was written for \(baseVersion)",
                    retry: true)
            }
            entry.table.version += 1
            entry.table.columns = file.columns
            entry.table.partitionKeys = file.partitionKeys
        }
        entry.table.properties.merge(file.properties, uniquingKeysWith: { $1 })
        let size = buckets[file.file.bucket]?[file.file.key]?.bytes.count ?? 0
        entry.files[file.file] = (file.rows, Int64(size))
        entry.recount()
        tables[name] = entry
    }
}

extension ObjectLocation {
    init(_ address: ObjectAddress) { self.init(bucket: address.bucket, key: address.key) }
}

extension ObjectDescription {
    init(_ info: ObjectInfo) {
        self.init(
            bucket: info.bucket, key: info.key, size: info.size, etag: info.etag, sequencer: info.sequencer,
            lastModified: info.lastModified.description)
    }
}

extension TableFile {
    init(_ request: RegisterFileRequest) {
        self.init(
            database: request.database, table: request.table, file: ObjectLocation(request.file), rows: request.rows,
            columns: request.columns.map { TableColumn(name: $0.name, type: $0.type) },
            partitionKeys: request.partitionKeys.map { TableColumn(name: $0.name, type: $0.type) },
            partition: request.partition, location: request.location, classification: request.classification,
            properties: request.properties)
    }
}

extension CatalogTable {
    init(_ table: Table) {
        self.init(
            database: table.database, name: table.name, version: table.version,
            columns: table.columns.map { CatalogColumn(name: $0.name, type: $0.type) },
            partitionKeys: table.partitionKeys.map { CatalogColumn(name: $0.name, type: $0.type) },
            location: table.location, classification: table.classification, properties: table.properties,
            fileCount: table.fileCount, rowCount: table.rowCount, byteCount: table.byteCount)
    }
}
