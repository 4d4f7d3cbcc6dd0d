import FunctionJSON
import Glibc
import HostAPI
import NIOCore

/// The other end of the host's socket: every call is a request of its own.
///
/// Throws `APIError`: the host's own, or `Unavailable` when there is no host on the data folder.
package struct HostClient: Sendable {
    let dataFolder: String
    /// Is told, once a call, that the host does not answer, and what can be done; the call goes on waiting.
    var onSilence: (@Sendable (_ message: String, _ hint: String) -> Void)?

    package init(dataFolder: String, onSilence: (@Sendable (_ message: String, _ hint: String) -> Void)? = nil) {
        self.dataFolder = dataFolder
        self.onSilence = onSilence
    }

    // MARK: Requests

    func get<Value: Decodable>(_ path: String, _ query: QueryItems = QueryItems()) async throws -> Value {
        try await exchange("GET", path + query.text, [])
    }

    func post<Value: Decodable>(_ path: String, _ body: (some Encodable)?) async throws -> Value {
        try await exchange("POST", path, try body.map { try TapeEncoder().encode($0) } ?? [])
    }

    func exchange<Value: Decodable>(_ method: String, _ path: String, _ body: [UInt8]) async throws -> Value {
        let bytes = try await text(method, path, body)
        do {
            return try TapeDecoder().decode(Value.self, from: bytes)
        } catch {
            throw APIError.internalError("the host's answer cannot be read: \(error)")
        }
    }

    /// The answer's bytes, if its status is 200.
    func text(_ method: String, _ path: String, _ body: [UInt8]) async throws -> [UInt8] {
        var status = 0
        var bytes: [UInt8] = []
        for try await part in try await connect(method, path, body) {
            switch part {
            case .head(let code): status = code
            case .bytes(let more): bytes += more
            }
        }
        guard status == 200 else { throw Self.failure(status, bytes) }
        return bytes
    }

    /// One value a line for as long as the host sends any.
    func stream<Element: Decodable & Sendable>(
        _ path: String, _ query: QueryItems
    ) async throws -> AsyncThrowingStream<Element, any Error> {
        let lines = AnswerLines(try await connect("GET", path + query.text, []))
        return AsyncThrowingStream(unfolding: {
            guard let line = try await lines.next() else { return nil }
            return try TapeDecoder().decode(Element.self, from: line)
        })
    }

    private func connect(
        _ method: String, _ path: String, _ body: [UInt8]
    ) async throws -> AsyncThrowingStream<HTTPExchange.Part, any Error> {
        guard let socket = SocketPath(dataFolder: dataFolder) else {
            throw APIError.unavailable(
                "there is no data folder \(dataFolder)",
                hint: "name it with --data DIR or SLUICE_DATA, or start a host: sluice up --data \(dataFolder)")
        }
        do {
            let parts = try await HTTPExchange.send(method, path, body: body, socket: socket.path)
            withExtendedLifetime(socket) {}
            guard let silence = watchSilence() else { return parts }
            return AsyncThrowingStream(unfolding: {
                defer { silence.cancel() }
                var iterator = parts.makeAsyncIterator()
                return try await iterator.next()
            })
        } catch let error as IOError where error.errnoCode == EACCES || error.errnoCode == EPERM {
            throw APIError.unavailable(
                "the host on \(dataFolder) belongs to another user", hint: "run the command as that user")
        } catch {
            guard isDataFolder else {
                let inner = dataFolder.hasSuffix("/") ? "\(dataFolder)data" : "\(dataFolder)/data"
                throw APIError.unavailable(
                    "\(dataFolder) is no data folder: there is no journal in it",
                    hint: access("\(inner)/journal", F_OK) == 0
                        ? "did you mean --data \(inner)?"
                        : "name the data folder of a host with --data DIR or SLUICE_DATA; `sluice up --data DIR` makes one"
                )
            }
            throw noHost
        }
    }

    /// A host has been here: starting one goes on with what it left.
    private var isDataFolder: Bool { access("\(dataFolder)/journal", F_OK) == 0 }

    fileprivate static func failure(_ status: Int, _ bytes: [UInt8]) -> APIError {
        if status == 404, bytes.isEmpty {
            return APIError(
                status: status, code: "UnknownCall", message: "the host does not know this call",
                hint: "host and command are of different versions: start the host again")
        }
        return (try? TapeDecoder().decode(APIError.self, from: bytes))
            ?? APIError(
                status: status, code: "HTTP\(status)", message: String(decoding: bytes.prefix(500), as: UTF8.self))
    }
}

/// The lines of an answer, one at a time, as they are asked for.
private actor AnswerLines {
    private let parts: AsyncThrowingStream<HTTPExchange.Part, any Error>
    private var status = 0
    private var rest: [UInt8] = []
    /// Up to here there is no line feed.
    private var searched = 0

    init(_ parts: AsyncThrowingStream<HTTPExchange.Part, any Error>) {
        self.parts = parts
    }

    /// Nil at the end. Throws `APIError` where the answer is a refusal.
    func next() async throws -> [UInt8]? {
        var iterator = parts.makeAsyncIterator()
        while true {
            if status == 200, let feed = rest[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                let line = Array(rest[..<feed])
                rest.removeSubrange(...feed)
                searched = 0
                return line
            }
            searched = rest.count
            switch try await iterator.next(isolation: self) {
            case .head(let code)?: status = code
            case .bytes(let more)?: rest += more
            case nil:
                guard status == 200 else { throw HostClient.failure(status, rest) }
                return nil
            }
        }
    }
}
