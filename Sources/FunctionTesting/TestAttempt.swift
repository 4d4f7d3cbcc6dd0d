import CFunctionABI
import FunctionKit
import FunctionProtocol
import Glibc
import Synchronization

/// One attempt on a test host: what it has staged, and the answers to its calls.
struct TestAttempt {
    var effects: [Effect] = []
    var logs: [LogLine] = []
    var isFresh = true
    private let payload: [UInt8]
    private var stages: [Int: (bucket: String, descriptor: Int32)] = [:]
    private var stageCount = 0
    private var keyCounts: [Int?: Int] = [:]
    private let records: [[UInt8]]

    init(payload: [UInt8], records: [[UInt8]] = []) {
        self.payload = payload
        self.records = records
    }

    mutating func discardStages() {
        for stage in stages.values { close(stage.descriptor) }
        stages = [:]
    }

    /// The reply's JSON and a descriptor or -1; throws what the host would refuse.
    mutating func answer(_ operation: UInt32, _ body: [UInt8], host: TestHost) throws -> ([UInt8], Int32) {
        func request<T: Decodable>(_ type: T.Type = T.self) throws -> T { try TapeDecoder().decode(type, from: body) }
        func json(_ reply: some Encodable) throws -> ([UInt8], Int32) { (try TapeEncoder().encode(reply), -1) }
        let nothing = (Array("{}".utf8), Int32(-1))
        switch operation {
        case SLUICE_CALL_OPEN_OBJECT, SLUICE_CALL_HEAD_OBJECT:
            let request: ObjectRequest = try request()
            let stored = try host.stored(request.bucket, request.key)
            let reply = try json(ObjectDescription(stored.info(request.bucket, request.key)))
            return (reply.0, operation == SLUICE_CALL_OPEN_OBJECT ? try memoryFile(stored.bytes) : -1)
        case SLUICE_CALL_LIST_OBJECTS: return try json(host.list(try request()))
        case SLUICE_CALL_CREATE_STAGE:
            let (reply, descriptor) = try createStage(try request(), host: host)
            return (try json(reply).0, descriptor)
        case SLUICE_CALL_PUT_STAGED: try putStaged(try request())
        case SLUICE_CALL_DISCARD_STAGE: close(try takeStage((try request() as PutStagedRequest).stage).descriptor)
        case SLUICE_CALL_COPY_OBJECT: try transfer(try request(), isMove: false, host: host)
        case SLUICE_CALL_MOVE_OBJECT: try transfer(try request(), isMove: true, host: host)
        case SLUICE_CALL_DELETE_OBJECT:
            let request: ObjectRequest = try request()
            try host.demandWrite(request.bucket)
            let location = ObjectLocation(bucket: request.bucket, key: request.key)
            effects.append(Effect(action: .delete(location), record: request.record))
        case SLUICE_CALL_PUT_EVENTS: return try json(try send(try request(), host: host))
        case SLUICE_CALL_PUT_RECORDS: return try json(try put(try request(), host: host))
        case SLUICE_CALL_GET_TABLE:
            let request: TableRequest = try request()
            return try json(TableReply(table: host.table(request.database, request.table).map(CatalogTable.init)))
        case SLUICE_CALL_REGISTER_FILE:
            let request: RegisterFileRequest = try request()
            let action = Effect.Action.register(TableFile(request), baseVersion: request.baseVersion)
            effects.append(Effect(action: action, record: request.record))
        case SLUICE_CALL_GENERATE_KEY: return try json(try generateKey(try request()))
        default: throw HostRefusal(code: "UnknownOperation", message: "a host has no operation \(operation)")
        }
        return nothing
    }

    private mutating func createStage(
        _ request: StageRequest, host: TestHost
    ) throws -> (reply: StageReply, descriptor: Int32) {
        try host.demandWrite(request.bucket)
        let descriptor = try memoryFile([])
        stageCount += 1
        stages[stageCount] = (request.bucket, dup(descriptor))
        return (StageReply(stage: stageCount), descriptor)
    }

    private mutating func takeStage(_ stage: Int) throws -> (bucket: String, descriptor: Int32) {
        guard let taken = stages.removeValue(forKey: stage) else { throw unknownStage(stage) }
        return taken
    }

    private mutating func putStaged(_ request: PutStagedRequest) throws {
        let stage = try takeStage(request.stage)
        defer { close(stage.descriptor) }
        let key = request.key ?? ""
        try checkKey(key)
        let location = ObjectLocation(bucket: stage.bucket, key: key)
        let put = Effect.Action.put(location, bytes: contents(stage.descriptor), overwrite: request.overwrite)
        effects.append(Effect(action: put, record: request.record))
    }

    private mutating func transfer(_ request: TransferRequest, isMove: Bool, host: TestHost) throws {
        let (source, destination) = (ObjectLocation(request.source), ObjectLocation(request.destination))
        _ = try host.stored(source.bucket, source.key)
        try checkKey(destination.key)
        try host.demandWrite(destination.bucket)
        if isMove { try host.demandWrite(source.bucket) }
        let action: Effect.Action =
            isMove
            ? .move(from: source, to: destination, overwrite: request.overwrite)
            : .copy(from: source, to: destination, overwrite: request.overwrite)
        effects.append(Effect(action: action, record: request.record))
    }

    /// As in the host: a record's keys are its own, whatever batch it comes in.
    private mutating func generateKey(_ request: GenerateKeyRequest) throws -> GeneratedKey {
        let count = (keyCounts[request.record] ?? 0) + 1
        keyCounts[request.record] = count
        let source = request.record.flatMap { records.indices.contains($0) ? records[$0] : nil } ?? payload
        let key = request.prefix + fingerprint(source + Array("#\(count)".utf8)) + request.suffix
        try checkKey(key)
        return GeneratedKey(key: key)
    }

    private mutating func send(_ request: PutEventsRequest, host: TestHost) throws -> PutEventsReply {
        var ids: [String] = []
        for entry in request.entries {
            try host.demandEvents(entry.bus)
            let checked = try PutEventsEntry(
                eventBusName: entry.bus, source: entry.source, detailType: entry.detailType, detail: entry.detail,
                resources: entry.resources, time: entry.time
            ).checked()
            let serial = host.state.withLock { state in
                state.serial += 1
                return state.serial
            }
            let event = SentEvent(
                id: EventID.random(1, serial), bus: entry.bus, source: checked.source, detailType: checked.detailType,
                detail: try JSONValue(parsing: checked.detail.json.bytes), resources: checked.resources,
                time: checked.time)
            effects.append(Effect(action: .send(event), record: request.record))
            ids.append(event.id)
        }
        return PutEventsReply(eventIDs: ids)
    }
}

extension TestAttempt {
    /// All of the records, or none.
    private mutating func put(_ request: PutRecordsRequest, host: TestHost) throws -> PutRecordsReply {
        let records = try host.checked(request)
        effects += records.map { Effect(action: .putRecord($0), record: request.record) }
        return PutRecordsReply(eventIDs: records.map(\.id))
    }
}

extension PutEventsEntry {
    fileprivate func checked() throws -> Valid {
        do {
            return try validate()
        } catch {
            throw HostRefusal(code: .invalidEvent, message: error.description, retry: false)
        }
    }
}

private func unknownStage(_ stage: Int) -> HostRefusal {
    HostRefusal(code: "UnknownStage", message: "there is no staged file \(stage)")
}

/// Keys that a real bucket refuses: they would not be files below its folder, or would be hidden.
private func checkKey(_ key: String) throws {
    let parts = key.split(separator: "/", omittingEmptySubsequences: false)
    guard !key.isEmpty, !key.utf8.contains(0), parts.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") }) else {
        throw HostRefusal(
            code: .invalidKey, message: "\"\(key)\" cannot be a key: no part may be empty or begin with a dot",
            retry: false)
    }
}

/// A file without a name, with its position at the start.
private func memoryFile(_ bytes: [UInt8]) throws -> Int32 {
    let folder = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(folder)/sluice-test-XXXXXX".utf8CString)
    let descriptor = mkstemp(&template)
    if descriptor >= 0 { unlink(template) }
    var done = 0
    while descriptor >= 0, done < bytes.count {
        let count = bytes.withUnsafeBytes {
            pwrite(descriptor, $0.baseAddress.map { $0 + done }, $0.count - done, done)
        }
        guard count > 0 else { break }
        done += count
    }
    guard descriptor >= 0, done == bytes.count else {
        throw HostRefusal(code: .ioFailed, message: "cannot make a temporary file: \(String(cString: strerror(errno)))")
    }
    return descriptor
}

/// All bytes of a file.
private func contents(_ descriptor: Int32) -> [UInt8] {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { return [] }
    return [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, filled in
        while filled < buffer.count {
            let count = pread(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled, filled)
            guard count > 0 else { return }
            filled += count
        }
    }
}
