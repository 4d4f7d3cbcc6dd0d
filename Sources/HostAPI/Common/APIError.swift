/// A refusal of the host, as it travels: `{"code":…,"message":…,"hint":…}` with an HTTP status.
package struct APIError: Error, Codable, Sendable, Hashable, CustomStringConvertible {
    /// HTTP status of the answer.
    package var status: Int
    /// Stable: scripts may rely on it.
    package var code: String
    /// What is wrong and why.
    package var message: String
    /// What to do next, when that is known.
    package var hint: String?

    package init(status: Int, code: String, message: String, hint: String? = nil) {
        self.status = status
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// 400: the request cannot be understood or contradicts itself.
    package static func invalidRequest(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: 400, code: "InvalidRequest", message: message, hint: hint)
    }

    /// 404: there is no such thing. `kind` in words, such as `function`.
    package static func notFound(_ kind: String, _ name: String, hint: String? = nil) -> APIError {
        APIError(status: 404, code: "NotFound", message: "there is no \(kind) `\(name)`", hint: hint)
    }

    /// 409: the state of the host does not allow it now.
    package static func conflict(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: 409, code: "Conflict", message: message, hint: hint)
    }

    /// 503: the host is starting, stopping, or refuses work for want of space.
    package static func unavailable(_ message: String, hint: String? = nil) -> APIError {
        APIError(status: 503, code: "Unavailable", message: message, hint: hint)
    }

    /// 500: a mistake of ours.
    package static func internalError(_ message: String) -> APIError {
        APIError(
            status: 500, code: "InternalError", message: message, hint: "the host's log says more: see `sluice logs`")
    }

    package var description: String {
        "\(message) (\(code))" + (hint.map { "; \($0)" } ?? "")
    }

    private enum CodingKeys: String, CodingKey {
        case status, code, message, hint
    }
}
