internal import CCurl
package import FunctionProtocol
import Synchronization

/// libcurl, loaded when the first webhook is sent: it and its 28 libraries cost megabytes and milliseconds, which no
/// other command and no host without webhooks should pay. Unchecked: what the pointer shows never changes.
package struct Curl: @unchecked Sendable {
    /// `curl_multi_poll`, `curl_multi_wakeup` and CURLOPT_PROTOCOLS_STR are all there from this version on.
    private static let oldest: (number: UInt32, name: String) = (0x07_55_00, "7.85")

    /// The library's functions.
    let functions: UnsafePointer<ccurl_functions>
    var call: ccurl_functions { functions.pointee }

    private static let loaded = Mutex<[String: Curl]>([:])

    /// Loads the library, the first time; to be called where waiting for a disk is allowed. What fails is tried anew at
    /// the next call, so that a host whose library is installed later needs no new start.
    package static func load(_ library: String = "libcurl.so.4") throws(Failure) -> Curl {
        try loaded.withLock { loaded throws(Failure) in
            if let curl = loaded[library] { return curl }
            let functions = UnsafeMutablePointer<ccurl_functions>.allocate(capacity: 1)
            if let reason = problem(library, functions) {
                functions.deallocate()
                throw Failure(
                    code: "WebhookUnavailable",
                    message:
                        "webhooks need libcurl \(oldest.name) or newer, which cannot be loaded: \(reason); install it "
                        + "(Debian's and Ubuntu's package libcurl4, of newer releases libcurl4t64)", retry: true)
            }
            let curl = Curl(functions: UnsafePointer(functions))
            loaded[library] = curl
            return curl
        }
    }

    private static func problem(_ library: String, _ functions: UnsafeMutablePointer<ccurl_functions>) -> String? {
        if let reason = ccurl_load(library, functions) { return "\(library): \(String(cString: reason))" }
        let curl = functions.pointee
        guard let version = curl.version_info(CURLVERSION_FIRST)?.pointee, version.version_num >= oldest.number else {
            return "\(library) is older"
        }
        let code = curl.global_init(Int(CURL_GLOBAL_DEFAULT))
        return code == CURLE_OK ? nil : String(cString: ccurl_reason(functions, code))
    }
}
