import AppConfig
import CFunctionABI
import FunctionJSON
package import FunctionProtocol
package import Journal
import ObjectStore
package import UVLoop

/// Answers what a running handler asks through its context. Reads come from the buckets and the journal at once;
/// everything that changes something is only noted in the attempt's effect set.
@LoopActor
package final class EffectCalls {
    let buckets: BucketSet
    let journal: any JournalStore
    let files: FileThreads
    let inputs: InputKeeper
    let router: EventRouter

    package init(
        buckets: BucketSet, journal: any JournalStore, files: FileThreads, inputs: InputKeeper, router: EventRouter
    ) {
        self.buckets = buckets
        self.journal = journal
        self.files = files
        self.inputs = inputs
        self.router = router
    }

    /// Answers one call. Never throws: a refusal is an answer, which the handler may catch by its code.
    func answer(_ call: WorkerCall, for context: AttemptContext) async -> WorkerReply {
        do {
            return try await perform(call, for: context)
        } catch let failure as CallRefusal {
            return .failure(failure.failure)
        } catch let error as ObjectStoreError {
            return .failure(Failure(code: error.code.description, message: error.message))
        } catch let error as JournalError {
            return .failure(Failure(code: "JournalUnavailable", message: "\(error)"))
        } catch {
            return .failure(Failure(code: "InvalidRequest", message: "\(error)"))
        }
    }

    private func perform(_ call: WorkerCall, for context: AttemptContext) async throws -> WorkerReply {
        func request<T: Decodable>(_ type: T.Type) throws -> T { try TapeDecoder().decode(type, from: call.body) }
        if Self.asking.contains(call.operation) {
            try context.effects.admit(bytes: call.body.count)
            try context.effects.admit(count: 1)
        }
        switch call.operation {
        case SLUICE_CALL_OPEN_OBJECT:
            return try await open(request(ObjectRequest.self), for: context)
        case SLUICE_CALL_HEAD_OBJECT:
            return try await head(request(ObjectRequest.self), for: context)
        case SLUICE_CALL_LIST_OBJECTS:
            return try await list(request(ListRequest.self), for: context)
        case SLUICE_CALL_CREATE_STAGE:
            return try await createStage(request(StageRequest.self), for: context)
        case SLUICE_CALL_PUT_STAGED:
            return try putStaged(request(PutStagedRequest.self), for: context)
        case SLUICE_CALL_DISCARD_STAGE:
            return try await discardStage(request(PutStagedRequest.self), for: context)
        case SLUICE_CALL_COPY_OBJECT:
            return try await transfer(request(TransferRequest.self), move: false, for: context)
        case SLUICE_CALL_MOVE_OBJECT:
            return try await transfer(request(TransferRequest.self), move: true, for: context)
        case SLUICE_CALL_DELETE_OBJECT:
            return try await delete(request(ObjectRequest.self), for: context)
        case SLUICE_CALL_PUT_EVENTS:
            return try putEvents(request(PutEventsRequest.self), for: context)
        case SLUICE_CALL_PUT_RECORDS:
            return try putRecords(request(PutRecordsRequest.self), for: context)
        case SLUICE_CALL_GET_TABLE:
            return try await table(request(TableRequest.self))
        case SLUICE_CALL_REGISTER_FILE:
            return try register(request(RegisterFileRequest.self), for: context)
        case SLUICE_CALL_GENERATE_KEY:
            return try generateKey(request(GenerateKeyRequest.self), for: context)
        default:
            throw CallRefusal(
                "InvalidRequest", "this host does not know operation \(call.operation); rebuild the function")
        }
    }

    /// Calls that leave something behind in the attempt's effect set.
    private static let asking: Set<UInt32> = [
        SLUICE_CALL_CREATE_STAGE, SLUICE_CALL_PUT_STAGED, SLUICE_CALL_COPY_OBJECT, SLUICE_CALL_MOVE_OBJECT,
        SLUICE_CALL_DELETE_OBJECT, SLUICE_CALL_PUT_EVENTS, SLUICE_CALL_PUT_RECORDS, SLUICE_CALL_REGISTER_FILE,
        SLUICE_CALL_GENERATE_KEY,
    ]

    // MARK: Checks

    func bucket(_ name: String, writing: Bool, for context: AttemptContext) throws -> Bucket {
        // First: a grant for a bucket that there is not would be refused by the next deployment.
        guard let bucket = buckets[name] else {
            throw CallRefusal(
                "NoSuchBucket",
                "there is no bucket \(name); declare it in sluice.yaml, or use one that there is: "
                    + NearestName.hint(for: name, among: buckets.all.map(\.name), known: "the buckets"))
        }
        let grants = context.version.definition.grants
        let granted = writing ? grants.mayWrite(bucket: name) : grants.mayRead(bucket: name)
        guard granted else {
            let verb = writing ? "write" : "read"
            throw CallRefusal(
                "AccessDenied",
                "function \(context.attempt.function) may not \(verb) bucket \(name); "
                    + grants.hint(verb, writing ? grants.write : grants.read, adding: name))
        }
        return bucket
    }

    static func reply(_ value: some Encodable, descriptor: Int32? = nil) -> WorkerReply {
        .success(JSONText.encode(value), descriptor: descriptor)
    }

    static let done = WorkerReply.success(Array("{}".utf8), descriptor: nil)
}

/// A call that the host refuses.
package struct CallRefusal: Error {
    package var failure: Failure

    init(_ code: String, _ message: String, retry: Bool? = nil) {
        failure = Failure(code: code, message: message, retry: retry)
    }
}
