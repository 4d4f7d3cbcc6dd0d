/// A text of the configuration, or where it comes from when it is used. What comes from a variable or a file is never
/// stored or shown.
package enum SecretText: Codable, Sendable, Hashable {
    case literal(String)
    /// Of the host's own environment.
    case environment(String)
    /// An absolute path; line feeds at its end do not count.
    case file(String)
}

/// `webhook:` of a target: an HTTP request for each event.
package struct WebhookDefinition: Codable, Sendable, Hashable {
    package enum Method: String, Codable, Sendable, CaseIterable {
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case get = "GET"
    }

    package struct Header: Codable, Sendable, Hashable {
        package var name: String
        package var value: SecretText

        package init(name: String, value: SecretText) {
            self.name = name
            self.value = value
        }
    }

    package var url: String
    package var method: Method
    /// In the order of the file.
    package var headers: [Header]
    package var timeoutSeconds: Double
    /// Requests at once.
    package var concurrency: Int

    package init(
        url: String, method: Method = .post, headers: [Header] = [], timeoutSeconds: Double = 30, concurrency: Int = 4
    ) {
        self.url = url
        self.method = method
        self.headers = headers
        self.timeoutSeconds = timeoutSeconds
        self.concurrency = concurrency
    }

    /// Scheme, host and path: what may be shown. User, password and query may hold secrets.
    package var shownURL: String {
        var text = url.prefix { $0 != "?" && $0 != "#" }
        if let scheme = text.firstRange(of: "://") {
            let rest = text[scheme.upperBound...]
            let host = rest.prefix { $0 != "/" }
            if let at = host.lastIndex(of: "@") {
                text = text[..<scheme.upperBound] + rest[rest.index(after: at)...]
            }
        }
        return String(text)
    }
}

/// `command:` of a target: a program for each event, which gets it on its standard input.
package struct CommandDefinition: Codable, Sendable, Hashable {
    /// Absolute.
    package var program: String
    package var arguments: [String]
    /// In addition to PATH, HOME, LANG, TZ and what the host says of the event.
    package var environment: [String: SecretText]
    package var timeoutSeconds: Double
    /// Processes at once.
    package var concurrency: Int

    package init(
        program: String, arguments: [String] = [], environment: [String: SecretText] = [:],
        timeoutSeconds: Double = 60, concurrency: Int = 1
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.timeoutSeconds = timeoutSeconds
        self.concurrency = concurrency
    }
}

extension TargetDefinition {
    /// Something outside of the host, no function of it.
    package var isOutside: Bool { webhook != nil || command != nil }

    /// What stands in the place of a function's name: no function can be called so, and no two targets share it.
    package static func outsideName(kind: String, bus: String, rule: String, id: String) -> String {
        "\(kind):" + (bus == "default" ? "" : "\(bus):") + "\(rule):\(id)"
    }
}
