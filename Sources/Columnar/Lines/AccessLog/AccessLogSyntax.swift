/// Reads format strings: Apache's (mod_log_config, "Custom Log Formats") and nginx's (ngx_http_log_module).
struct AccessLogSyntax {
    private(set) var pieces: [AccessLogPiece] = []
    private(set) var columns: [ColumnSchema] = []

    static func error(_ reason: String) -> ColumnarError {
        ColumnarError(.unsupported, "The log format cannot be used: \(reason).")
    }

    mutating func read(_ format: String) throws(ColumnarError) {
        let scalars = Array(format.unicodeScalars)
        let isNginx = scalars.indices.contains { index in
            scalars[index] == "$" && index + 1 < scalars.count
                && (Self.isName(scalars[index + 1]) || scalars[index + 1] == "{")
        }
        if isNginx { try readNginx(scalars) } else { try readApache(scalars) }
        try connect()
    }

    // MARK: nginx

    private mutating func readNginx(_ scalars: [Unicode.Scalar]) throws(ColumnarError) {
        var position = 0
        while position < scalars.count {
            guard scalars[position] == "$" else {
                add(scalars[position])
                position += 1
                continue
            }
            position += 1
            let isBraced = position < scalars.count && scalars[position] == "{"
            if isBraced { position += 1 }
            let start = position
            while position < scalars.count, Self.isName(scalars[position]) { position += 1 }
            let name = String(String.UnicodeScalarView(scalars[start..<position]))
            guard !name.isEmpty else { throw Self.error("a $ at character \(start) is not followed by a name") }
            if isBraced {
                guard position < scalars.count, scalars[position] == "}" else {
                    throw Self.error("${\(name) has no closing brace")
                }
                position += 1
            }
            add(name, nginxKind(name))
        }
    }

    private func nginxKind(_ name: String) -> AccessLogField.Kind {
        switch name {
        case "request": .request
        case "time_local": .time
        case "time_iso8601": .isoTime
        case "status", "body_bytes_sent", "bytes_sent", "request_length", "connection", "connection_requests",
            "remote_port", "server_port", "content_length", "pid", "bytes_received":
            .integer
        case "request_time", "msec", "gzip_ratio", "session_time": .real
        default: .text
        }
    }

    private static func isName(_ scalar: Unicode.Scalar) -> Bool {
        ("a"..."z").contains(scalar) || ("A"..."Z").contains(scalar) || ("0"..."9").contains(scalar) || scalar == "_"
    }

    // MARK: Apache

    private mutating func readApache(_ scalars: [Unicode.Scalar]) throws(ColumnarError) {
        var position = 0
        while position < scalars.count {
            let scalar = scalars[position]
            position += 1
            if scalar == "\\", position < scalars.count, let plain = Self.escapes[scalars[position]] {
                add(plain)
                position += 1
            } else if scalar == "%", position < scalars.count, scalars[position] == "%" {
                add("%")
                position += 1
            } else if scalar == "%" {
                try readDirective(scalars, &position)
            } else {
                add(scalar)
            }
        }
    }

    private static let escapes: [Unicode.Scalar: Unicode.Scalar] = ["\"": "\"", "\\": "\\", "t": "\t"]

    /// What follows a percent sign: conditions and `<` or `>`, an argument in braces, a letter.
    private mutating func readDirective(_ scalars: [Unicode.Scalar], _ position: inout Int) throws(ColumnarError) {
        while position < scalars.count, "<>!,0123456789".unicodeScalars.contains(scalars[position]) { position += 1 }
        var argument: String?
        if position < scalars.count, scalars[position] == "{" {
            guard let end = scalars[position...].firstIndex(of: "}") else {
                throw Self.error("a { at character \(position) has no closing brace")
            }
            argument = String(String.UnicodeScalarView(scalars[position + 1..<end]))
            position = end + 1
        }
        guard position < scalars.count else { throw Self.error("it ends within a directive") }
        let letter = Character(scalars[position])
        position += 1
        guard let (name, kind) = apacheField(letter, argument) else {
            throw Self.error(
                "%\(argument.map { "{\($0)}" } ?? "")\(letter) is no directive of Apache's that can be read")
        }
        // The brackets belong to Apache's time, and help to find its beginning.
        if kind == .time { add("[") }
        add(name, kind)
        if kind == .time { add("]") }
    }

    private func apacheField(_ letter: Character, _ argument: String?) -> (String, AccessLogField.Kind)? {
        if let argument {
            switch letter {
            case "i": return (argument, .text)
            case "o": return ("response_\(argument)", .text)
            case "C": return ("cookie_\(argument)", .text)
            case "e": return ("env_\(argument)", .text)
            case "n": return ("note_\(argument)", .text)
            case "x": return (argument, .text)
            case "a": return ("\(argument)_ip", .text)
            case "h": return ("remote_host", .text)
            case "p": return ("\(argument)_port", .integer)
            case "P": return ("\(argument)", .integer)
            case "T":
                return (argument == "ms" ? "duration_ms" : argument == "us" ? "duration_us" : "duration_s", .integer)
            case "t":
                let part =
                    argument.hasPrefix("begin:") || argument.hasPrefix("end:")
                    ? String(argument.drop { $0 != ":" }.dropFirst()) : argument
                let isNumber = ["sec", "msec", "usec", "msec_frac", "usec_frac"].contains(part)
                return (isNumber ? "time_\(part)" : "time_text", isNumber ? .integer : .text)
            default: return nil
            }
        }
        let fields: [Character: (String, AccessLogField.Kind)] = [
            "a": ("client_ip", .text), "A": ("local_ip", .text), "B": ("bytes", .integer), "b": ("bytes", .integer),
            "D": ("duration_us", .integer), "f": ("filename", .text), "h": ("remote_host", .text),
            "H": ("protocol", .text), "k": ("keepalive_requests", .integer), "l": ("remote_logname", .text),
            "L": ("log_id", .text), "m": ("method", .text), "p": ("port", .integer), "P": ("process_id", .integer),
            "q": ("query", .text), "r": ("request", .request), "R": ("handler", .text), "s": ("status", .integer),
            "t": ("time", .time), "T": ("duration_s", .integer), "u": ("remote_user", .text),
            "U": ("path", .text), "v": ("server_name", .text), "V": ("canonical_name", .text),
            "X": ("connection_status", .text), "I": ("bytes_in", .integer), "O": ("bytes_out", .integer),
            "S": ("bytes_total", .integer),
        ]
        return fields[letter]
    }

    // MARK: pieces

    private mutating func add(_ scalar: Unicode.Scalar) {
        let bytes = Array(String(Character(scalar)).utf8)
        if case .text(let before) = pieces.last {
            pieces[pieces.count - 1] = .text(before + bytes)
        } else {
            pieces.append(.text(bytes))
        }
    }

    private mutating func add(_ name: String, _ kind: AccessLogField.Kind) {
        let plain = unused(ColumnName.normalized(name))
        pieces.append(.field(AccessLogField(kind: kind, column: columns.count, name: plain)))
        let type: ColumnType =
            switch kind {
            case .text, .request: .string
            case .integer: .bigint
            case .real: .double
            case .time, .isoTime: .timestampUTC
            }
        columns.append(ColumnSchema(name: plain, type: type))
        guard kind == .request else { return }
        for part in ["method", "path", "protocol"] {
            columns.append(ColumnSchema(name: unused("\(plain)_\(part)"), type: .string))
        }
    }

    private func unused(_ name: String) -> String {
        var (candidate, number) = (name, 2)
        while columns.contains(where: { $0.name == candidate }) {
            candidate = "\(name)_\(number)"
            number += 1
        }
        return candidate
    }

    /// Marks quoted fields, and refuses fields that nothing parts.
    private mutating func connect() throws(ColumnarError) {
        for index in pieces.indices {
            guard case .field(var field) = pieces[index] else { continue }
            if index > 0, case .field(let before) = pieces[index - 1] {
                throw Self.error("nothing parts the fields \(before.name) and \(field.name)")
            }
            let quote = UInt8(ascii: "\"")
            if index > 0, case .text(let before) = pieces[index - 1], before.last == quote, index + 1 < pieces.count,
                case .text(let after) = pieces[index + 1], after.first == quote
            {
                field.isQuoted = true
                pieces[index] = .field(field)
            }
        }
    }
}
