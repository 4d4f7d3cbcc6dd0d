/// The form of an access log, in the syntax of Apache's `LogFormat` or nginx's `log_format`.
///
/// Every directive becomes a column, with the type that it has by its meaning; the request line becomes four
/// (`request`, `request_method`, `request_path`, `request_protocol`). `-` is null. See docs/columnar.md for names and
/// types.
public struct AccessLogFormat: Sendable, Hashable {
    /// As given.
    public let text: String
    /// What a line is made of: texts and fields in turn.
    let pieces: [AccessLogPiece]
    /// Columns and their types, in the order of the format.
    public let columns: [ColumnSchema]

    /// The known formats by name.
    public static let named: [String: String] = [
        "common": #"%h %l %u %t "%r" %>s %b"#,
        "combined": #"%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i""#,
        "vhost_combined": #"%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i""#,
        "nginx": #"$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "#
            + #""$http_referer" "$http_user_agent""#,
    ]

    /// - Parameter text: `common`, `combined`, `vhost_combined` (Apache), `nginx` (its predefined format), or a format
    ///   string: nginx's where it has a `$name`, else Apache's, in which `\"` stands for a quote as in httpd.conf.
    /// - Throws: `Unsupported` where it cannot tell fields apart, or has a directive that does not exist.
    public init(_ text: String) throws(ColumnarError) {
        self.text = text
        let format = Self.named[text] ?? text
        var syntax = AccessLogSyntax()
        try syntax.read(format)
        guard !syntax.columns.isEmpty else {
            throw AccessLogSyntax.error(
                "\"\(text)\" has no field; known formats are \(Self.named.keys.sorted().joined(separator: ", "))")
        }
        pieces = syntax.pieces
        columns = syntax.columns
    }
}

/// A part of a log format.
enum AccessLogPiece: Sendable, Hashable {
    case text([UInt8])
    case field(AccessLogField)
}

/// A field of a log format.
struct AccessLogField: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case text
        case integer
        case real
        /// `10/Oct/2000:13:55:36 -0700`
        case time
        /// ISO 8601 with a zone.
        case isoTime
        /// `GET /path HTTP/1.1`: four columns.
        case request
    }

    var kind: Kind
    /// The (first) column.
    var column: Int
    var name: String
    /// Stands between quotes, within which a backslash escapes.
    var isQuoted = false
}
