import AppConfig
import FunctionProtocol
package import HostAPI
import Journal
import ObjectStore
import UVLoop

extension HostController {
    package func listBuckets() async throws -> [BucketInfo] {
        var infos: [BucketInfo] = []
        let totals = journal.objectTotals()
        for bucket in await host.openBuckets {
            let watching = await host.watching(bucket.name)
            let count = totals[bucket.name] ?? ObjectTotals()
            infos.append(
                BucketInfo(
                    name: bucket.name, path: bucket.path, objects: count.objects, bytes: count.bytes,
                    watching: watching.mode, notes: watching.notes))
        }
        return infos
    }

    package func trigger(bucket: String, request: TriggerRequest) async throws -> TriggerResult {
        guard await host.openBuckets.contains(where: { $0.name == bucket }) else {
            throw APIError.notFound("bucket", bucket, hint: "`sluice buckets list` shows the buckets")
        }
        try RequestedRate.check(request.rate)
        let total = try await read { journal -> Int64 in
            var total: Int64 = 0
            var after: String?
            while true {
                let page = try journal.objects(bucket: bucket, prefix: request.prefix, after: after, limit: 1000)
                total += Int64(page.count)
                guard page.count == 1000 else { return total }
                after = page.last?.key
            }
        }
        if request.dryRun || total == 0 { return TriggerResult(objects: total) }
        try await host.requireLetGo()
        let (job, isNew) = try await host.triggers.start(bucket: bucket, request, selected: total)
        return TriggerResult(objects: total, job: job, isRunning: isNew ? nil : true)
    }

    package func listTriggers() async throws -> [TriggerJob] { await host.triggers.list() }

    package func triggerJob(id: String) async throws -> TriggerJob {
        guard let job = await host.triggers.job(id) else { throw Self.noTrigger(id) }
        return job
    }

    package func cancelTrigger(id: String) async throws -> TriggerJob {
        do {
            guard let job = try await host.triggers.cancel(id) else { throw Self.noTrigger(id) }
            return job
        } catch let error as JournalError {
            throw APIError.unavailable("the job was not cancelled, for the journal cannot write: \(error.message)")
        }
    }

    private static func noTrigger(_ id: String) -> APIError {
        .notFound("trigger job", id, hint: "`sluice buckets jobs` shows them")
    }

    package func listTables(database: String?) async throws -> [TableInfo] {
        let found = try await read { try $0.tables(database: database) }
        if let database, found.isEmpty {
            let names = Set(try await read { try $0.tables(database: nil) }.map(\.database))
            throw APIError.notFound(
                "database", database, hint: NearestName.hint(for: database, among: names, known: "the databases"))
        }
        return found.compactMap { CatalogReading.table($0).map { TableInfo($0) } }
    }

    package func table(database: String, name: String) async throws -> TableDetail {
        // Three reads; the table is read again until nothing was committed to it in between.
        let found = try await read { journal -> (StoredTable, [StoredTable], [CatalogFile])? in
            while let stored = try journal.table(database: database, table: name) {
                let versions = try journal.tableVersions(database: database, table: name)
                let files = try journal.tableFiles(database: database, table: name, after: nil, limit: 100)
                if try journal.table(database: database, table: name) == stored { return (stored, versions, files) }
            }
            return nil
        }
        guard let (stored, versions, files) = found, let table = CatalogReading.table(stored) else {
            throw APIError.notFound("table", "\(database).\(name)", hint: "`sluice catalog list` shows the tables")
        }
        return TableDetail(
            table: TableInfo(table),
            versions: versions.compactMap { version in
                CatalogReading.definition(version).map {
                    TableDetail.Version(version: version.version, columns: $0.columns.map(TableInfo.Column.init))
                }
            },
            files: files.map { file in
                TableDetail.File(
                    bucket: file.bucket, key: file.key, rows: file.rows, bytes: file.bytes, partition: file.partition,
                    schemaVersion: file.schemaVersion)
            })
    }
}

extension TableInfo {
    init(_ table: CatalogTable) {
        self.init(
            database: table.database, name: table.name, version: table.version,
            columns: table.columns.map(Column.init), partitionKeys: table.partitionKeys.map(Column.init),
            location: table.location, classification: table.classification, properties: table.properties,
            files: table.fileCount, rows: table.rowCount, bytes: table.byteCount)
    }
}

extension TableInfo.Column {
    init(_ column: CatalogColumn) {
        self.init(name: column.name, type: column.type)
    }
}
