import GRDB

/// The object index and the invocations.
extension JournalWriter {
    func apply(_ change: ObjectIndexChange) throws(JournalError) {
        try attempt("writing the object index") {
            switch change {
            case .put(let record):
                try count(record.bucket, record.key, as: record.size)
                let put = statements.putObject
                put.bind(1, record.bucket)
                put.bind(2, record.key)
                put.bind(3, Int64(bitPattern: record.device))
                put.bind(4, Int64(bitPattern: record.inode))
                put.bind(5, record.size)
                put.bind(6, record.modified)
                put.bind(7, record.changed)
                put.bind(8, Int64(bitPattern: record.sample))
                put.bind(9, record.etag)
                put.bind(10, record.sequencer)
                put.bind(11, record.eventID)
                put.bind(12, record.arrived)
                try put.run()
            case .remove(let bucket, let key):
                try count(bucket, key, as: nil)
                statements.removeObject.bind(1, bucket)
                statements.removeObject.bind(2, key)
                try statements.removeObject.run()
            case .removeVersion(let bucket, let key, let etag):
                let old = try size(bucket, key)
                statements.removeVersion.bind(1, bucket)
                statements.removeVersion.bind(2, key)
                statements.removeVersion.bind(3, etag)
                try statements.removeVersion.run()
                if db.changesCount > 0 { transaction.objects[bucket, default: .init()].replace(old, with: nil) }
            case .announce(let bucket, let key, let of, let sequencer, let eventID):
                let announce = statements.announceObject
                announce.bind(1, sequencer)
                announce.bind(2, eventID)
                announce.bind(3, bucket)
                announce.bind(4, key)
                announce.bind(5, of)
                try announce.run()
            case .refresh(let record):
                let old = try size(record.bucket, record.key)
                let refresh = statements.refreshObject
                refresh.bind(1, Int64(bitPattern: record.device))
                refresh.bind(2, Int64(bitPattern: record.inode))
                refresh.bind(3, record.size)
                refresh.bind(4, record.modified)
                refresh.bind(5, record.changed)
                refresh.bind(6, Int64(bitPattern: record.sample))
                refresh.bind(7, record.bucket)
                refresh.bind(8, record.key)
                refresh.bind(9, record.etag)
                try refresh.run()
                if db.changesCount > 0 {
                    transaction.objects[record.bucket, default: .init()].replace(old, with: record.size)
                }
            }
        }
    }

    /// Before the key has an object of that size, or none any more.
    private func count(_ bucket: String, _ key: String, as new: Int64?) throws {
        transaction.objects[bucket, default: .init()].replace(try size(bucket, key), with: new)
    }

    /// Of the object there is; the row's page is the one that is written next.
    private func size(_ bucket: String, _ key: String) throws -> Int64? {
        let find = statements.objectSize
        find.bind(1, bucket)
        find.bind(2, key)
        defer { find.reset() }
        return try find.step() ? find.int64(0) : nil
    }

    func apply(_ record: InvocationRecord) throws(JournalError) {
        try attempt("writing an invocation") {
            let put = statements.putInvocation
            put.bind(1, record.attempt.boot)
            put.bind(2, record.attempt.number)
            put.bind(3, record.invocationID)
            put.bind(4, record.subscription?.value)
            put.bind(5, record.function)
            put.bind(6, record.version)
            put.bind(7, try JSONTexts.encode(record.eventIDs))
            put.bind(8, record.attemptNumber)
            put.bind(9, record.started)
            put.bind(10, record.durationMicroseconds)
            put.bind(11, record.outcome)
            put.bind(12, record.code)
            put.bind(13, record.message)
            put.bind(14, record.coldStart ? 1 : 0)
            put.bind(15, record.logFile)
            put.bind(16, record.logOffset)
            put.bind(17, record.logLength)
            try put.withBlob(18, record.details) { try put.run() }
            for event in record.eventIDs {
                statements.putInvocationEvent.bind(1, event)
                statements.putInvocationEvent.bind(2, record.attempt.boot)
                statements.putInvocationEvent.bind(3, record.attempt.number)
                try statements.putInvocationEvent.run()
            }
        }
    }
}
