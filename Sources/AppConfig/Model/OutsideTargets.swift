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
    /// The methods that a webhook may use.
    package enum Method: String, Codable, Sendable, CaseIterable {
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
        case get = "GET"
    }

    /// A header of the request.
    package struct Header: Codable, Sendable, Hashable {
        package var name: String
        package var value: SecretText

        package init(name: String, value: SecretText) {
            self.name = name
            self.value = value
        }
    }

    /// Empty where it comes from elsewhere.
    package var url: String
    /// Where the whole URL comes from: for those that are secrets themselves.
    package var secretURL: SecretText?
    package var method: Method
    /// In the order of the file.
    package var headers: [Header]
    package var timeoutSeconds: Double
    /// Requests at once.
    package var concurrency: Int
    /// An absolute path: certificates of authorities (PEM) that are trusted beside the system's.
    package var caFile: String?

    package init(
        url: String, secretURL: SecretText? = nil, method: Method = .post, headers: [Header] = [],
        timeoutSeconds: Double = 30, concurrency: Int = 4, caFile: String? = nil
    ) {
        self.url = url
        self.secretURL = secretURL
        self.method = method
        self.headers = headers
        self.timeoutSeconds = timeoutSeconds
        self.concurrency = concurrency
        self.caFile = caFile
    }

    /// Scheme, host and path: what may be shown. User, password and query may hold secrets. Of a URL that is a secret
    /// it is said where it comes from.
    package var shownURL: String {
        switch secretURL {
        case .environment(let name): return "the URL in the variable \(name)"
        case .file(let path): return "the URL in the file \(path)"
        case .literal, nil: break
        }
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

extension WebhookDefinition {
    /// What is wrong with a URL; nil: nothing.
    package static func problem(of url: String) -> String? {
        guard url.hasPrefix("https://") || url.hasPrefix("http://") else { return "is no http or https URL" }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            return "has characters that a URL cannot have; write them as %XX"
        }
        let name = host(of: url)
        return name.isEmpty || name.hasPrefix(":") ? "names no host" : nil
    }

    /// Scheme and host of a URL that is a secret.
    package static func origin(of url: String) -> String {
        url.prefix { $0 != "/" } + "//" + host(of: url)
    }

    /// Without user and password.
    private static func host(of url: String) -> Substring {
        let host = url.drop { $0 != "/" }.dropFirst(2).prefix { $0 != "/" && $0 != "?" && $0 != "#" }
        return host.split(separator: "@").last ?? ""
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
    /// No function of the app: something outside of the host, or another log of it.
    package var isOutside: Bool { webhook != nil || command != nil || forward != nil }

    /// What stands in the place of a function's name: no function can be called so, and no two targets share it.
    package static func outsideName(kind: String, bus: String, rule: String, id: String) -> String {
        "\(kind):" + (bus == "default" ? "" : "\(bus):") + "\(rule):\(id)"
    }
}
