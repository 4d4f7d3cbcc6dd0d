internal import CLibUV

/// A refusal of libuv: the call, libuv's number and its words.
package struct UVError: Error, Hashable, CustomStringConvertible {
    /// The libuv call that refused, such as `uv_poll_init`.
    package let call: String
    /// libuv's code: a negated errno on Linux.
    package let status: Int32

    package var description: String {
        "\(call) failed: \(String(cString: uv_strerror(status))) (\(String(cString: uv_err_name(status))))"
    }

    static func check(_ status: Int32, _ call: String) throws(UVError) {
        guard status >= 0 else { throw UVError(call: call, status: status) }
    }
}
