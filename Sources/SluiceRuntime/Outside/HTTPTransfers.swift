internal import CCurl
import FunctionProtocol
import Glibc
import Synchronization

/// An HTTP request, ready to be sent. Never printed: its headers may hold secrets.
struct HTTPRequest: Sendable {
    var url: String
    var method: String
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    var timeout: Double
    /// Certificates of authorities (PEM) that are trusted beside the system's.
    var authorities: [UInt8]?
}

/// What came back.
enum HTTPOutcome: Sendable {
    case answer(status: Int, body: [UInt8], retryAfter: String?)
    /// The time was up.
    case timedOut
    /// No answer: why.
    case unreachable(String)
    case cancelled
}

/// HTTP requests, any number at once, on one thread with libcurl's multi interface; connections are kept and used
/// again. Certificates are checked, redirects are not followed.
final class HTTPTransfers: Sendable {
    /// At most so much of an answer is kept.
    static let maximumBody = 64 << 10

    /// One request under way. Unchecked: only the thread of the transfers touches what changes.
    private final class Transfer: @unchecked Sendable {
        let id: UInt64
        let request: HTTPRequest
        let done: @Sendable (HTTPOutcome) -> Void
        var body: [UInt8] = []
        var retryAfter: String?
        var headers: UnsafeMutablePointer<curl_slist>?
        /// Where libcurl writes why a request failed, in more words than its code has.
        let reason: UnsafeMutablePointer<CChar>

        init(id: UInt64, request: HTTPRequest, done: @escaping @Sendable (HTTPOutcome) -> Void) {
            self.id = id
            self.request = request
            self.done = done
            reason = .allocate(capacity: Int(CURL_ERROR_SIZE))
            reason.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        }

        deinit { reason.deallocate() }
    }

    private struct State {
        var waiting: [Transfer] = []
        var cancelled: Set<UInt64> = []
        var isStopping = false
    }

    /// libcurl's handle of the whole. Unchecked: `curl_multi_wakeup` may be called from any thread, everything else is
    /// called on the transfers' own, which is the last to hold it.
    private final class Multi: @unchecked Sendable {
        let curl: Curl
        let handle: UnsafeMutableRawPointer?

        init(_ curl: Curl) {
            self.curl = curl
            handle = curl.call.multi_init()
        }

        func wake() {
            if let handle { _ = curl.call.multi_wakeup(handle) }
        }

        deinit {
            if let handle { _ = curl.call.multi_cleanup(handle) }
        }
    }

    private final class Queue: Sendable {
        let state = Mutex(State())
    }

    private let queue = Queue()
    private let multi: Multi
    private let thread = FileThreads(count: 1)

    init(_ curl: Curl) throws(Failure) {
        if let reason = thread.refusal {
            throw Failure(code: "WebhookUnavailable", message: "webhooks cannot be sent: \(reason)", retry: true)
        }
        let multi = Multi(curl)
        guard multi.handle != nil else {
            throw Failure(code: "WebhookUnavailable", message: "libcurl cannot be used: no memory", retry: true)
        }
        self.multi = multi
        // It refers to the queue and not to `self`, and ends when it is told to.
        thread.perform { [queue] in Self.run(multi, queue) }
    }

    /// `done` is called on the transfers' thread, once.
    func start(_ request: HTTPRequest, id: UInt64, done: @escaping @Sendable (HTTPOutcome) -> Void) {
        let isStopping = queue.state.withLock { state in
            if !state.isStopping { state.waiting.append(Transfer(id: id, request: request, done: done)) }
            return state.isStopping
        }
        if isStopping { done(.cancelled) } else { multi.wake() }
    }

    func cancel(id: UInt64) {
        queue.state.withLock { _ = $0.cancelled.insert(id) }
        multi.wake()
    }

    /// Ends everything that is under way.
    func stop() {
        queue.state.withLock { $0.isStopping = true }
        multi.wake()
        thread.stop()
    }

    // MARK: The thread

    private static func run(_ multi: Multi, _ queue: Queue) {
        guard let handle = multi.handle else { return }
        let curl = multi.curl
        var running: [UnsafeMutableRawPointer: Transfer] = [:]
        while true {
            let (waiting, cancelled, isStopping) = queue.state.withLock { state in
                defer {
                    state.waiting = []
                    state.cancelled = []
                }
                return (state.waiting, state.cancelled, state.isStopping)
            }
            for transfer in waiting {
                if cancelled.contains(transfer.id) || isStopping {
                    transfer.done(.cancelled)
                } else if let easy = begin(transfer, on: handle, curl) {
                    running[easy] = transfer
                } else {
                    transfer.done(.unreachable("no request could be made"))
                }
            }
            for (easy, transfer) in running where cancelled.contains(transfer.id) || isStopping {
                end(easy, transfer, on: handle, curl)
                running[easy] = nil
                transfer.done(.cancelled)
            }
            if isStopping { break }
            var count: Int32 = 0
            _ = curl.call.multi_perform(handle, &count)
            var left: Int32 = 0
            while let message = curl.call.multi_info_read(handle, &left) {
                guard message.pointee.msg == CURLMSG_DONE, let easy = message.pointee.easy_handle,
                    let transfer = running.removeValue(forKey: easy)
                else { continue }
                let result = ccurl_result(message)
                let outcome = outcome(of: transfer, easy, result, curl)
                end(easy, transfer, on: handle, curl)
                transfer.done(outcome)
            }
            _ = curl.call.multi_poll(handle, nil, 0, running.isEmpty ? 60_000 : 1000, nil)
        }
    }

    private static func outcome(
        of transfer: Transfer, _ easy: UnsafeMutableRawPointer, _ result: CURLcode, _ curl: Curl
    ) -> HTTPOutcome {
        switch result {
        case CURLE_OK:
            return .answer(
                status: Int(ccurl_status(curl.functions, easy)), body: transfer.body, retryAfter: transfer.retryAfter)
        case CURLE_OPERATION_TIMEDOUT: return .timedOut
        default:
            let said = String(cString: transfer.reason)
            return .unreachable(said.isEmpty ? String(cString: ccurl_reason(curl.functions, result)) : said)
        }
    }

    private static func begin(
        _ transfer: Transfer, on multi: UnsafeMutableRawPointer, _ curl: Curl
    ) -> UnsafeMutableRawPointer? {
        guard let easy = curl.call.easy_init() else { return nil }
        let request = transfer.request
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        var list: UnsafeMutablePointer<curl_slist>?
        // No waiting for a permission to send the body.
        list = curl.call.slist_append(list, "Expect:")
        for (name, value) in request.headers {
            // An empty value is written with a semicolon, or the header would be taken away.
            list = curl.call.slist_append(list, value.isEmpty ? "\(name);" : "\(name): \(value)")
        }
        transfer.headers = list
        ccurl_set_text(curl.functions, easy, CURLOPT_URL, request.url)
        ccurl_set_text(curl.functions, easy, CURLOPT_PROTOCOLS_STR, "http,https")
        ccurl_set_number(curl.functions, easy, CURLOPT_NOSIGNAL, 1)
        ccurl_set_number(curl.functions, easy, CURLOPT_FOLLOWLOCATION, 0)
        // A name server that does not answer would hold this thread, and with it all others' transfers, until the
        // system's resolver gives up: its thread is left to itself (from libcurl 7.87 on).
        ccurl_set_number(curl.functions, easy, CURLOPT_QUICK_EXIT, 1)
        ccurl_set_number(curl.functions, easy, CURLOPT_TIMEOUT_MS, max(1, Int(request.timeout * 1000)))
        ccurl_set_pointer(curl.functions, easy, CURLOPT_HTTPHEADER, list)
        ccurl_set_pointer(curl.functions, easy, CURLOPT_ERRORBUFFER, transfer.reason)
        ccurl_set_pointer(curl.functions, easy, CURLOPT_WRITEDATA, context)
        ccurl_set_receiver(curl.functions, easy, CURLOPT_WRITEFUNCTION, receiveBody)
        ccurl_set_pointer(curl.functions, easy, CURLOPT_HEADERDATA, context)
        ccurl_set_receiver(curl.functions, easy, CURLOPT_HEADERFUNCTION, receiveHeader)
        if request.method == "GET" {
            ccurl_set_number(curl.functions, easy, CURLOPT_HTTPGET, 1)
        } else {
            ccurl_set_size(curl.functions, easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
            // With a NUL behind it, so that an empty body has an address too.
            (request.body + [0]).withUnsafeBufferPointer { bytes in
                bytes.withMemoryRebound(to: CChar.self) { text in
                    _ = ccurl_set_text(curl.functions, easy, CURLOPT_COPYPOSTFIELDS, text.baseAddress)
                }
            }
            ccurl_set_text(curl.functions, easy, CURLOPT_CUSTOMREQUEST, request.method)
        }
        // As bytes and not as a file, whose content libcurl would remember for a day.
        let isTrusted = request.authorities.map { authorities in
            ccurl_set_bytes(curl.functions, easy, CURLOPT_CAINFO_BLOB, authorities, authorities.count) == CURLE_OK
        }
        guard isTrusted != false, curl.call.multi_add_handle(multi, easy) == CURLM_OK else {
            curl.call.slist_free_all(list)
            transfer.headers = nil
            curl.call.easy_cleanup(easy)
            return nil
        }
        return easy
    }

    private static func end(
        _ easy: UnsafeMutableRawPointer, _ transfer: Transfer, on multi: UnsafeMutableRawPointer, _ curl: Curl
    ) {
        _ = curl.call.multi_remove_handle(multi, easy)
        curl.call.easy_cleanup(easy)
        curl.call.slist_free_all(transfer.headers)
        transfer.headers = nil
    }

    private static let receiveBody: ccurl_receiver = { data, size, count, context in
        guard let data, let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        let room = HTTPTransfers.maximumBody - transfer.body.count
        if room > 0 {
            data.withMemoryRebound(to: UInt8.self, capacity: size * count) { bytes in
                transfer.body.append(contentsOf: UnsafeBufferPointer(start: bytes, count: min(room, size * count)))
            }
        }
        return size * count
    }

    private static let receiveHeader: ccurl_receiver = { data, size, count, context in
        guard let data, let context else { return 0 }
        let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
        let line = data.withMemoryRebound(to: UInt8.self, capacity: size * count) { bytes in
            String(decoding: UnsafeBufferPointer(start: bytes, count: size * count), as: UTF8.self)
        }
        if line.lowercased().hasPrefix("retry-after:") { transfer.retryAfter = String(line.dropFirst(12)) }
        return size * count
    }
}
