import ArgumentParser
import EventModel
import HostAPI

/// `sluice streams`.
struct Streams: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "streams", abstract: "Ordered records in shards, as Kinesis has them.",
        discussion: """
            Streams are declared in sluice.yaml (`streams: {clicks: {shards: 4}}`); rules with `stream: clicks` deliver \
            their records to functions. With `sluice up --listen` Kinesis' own clients put and read them too.
            """,
        subcommands: [List.self, Show.self, Put.self, Get.self])

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Streams in force, and how far behind their functions are.")
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let streams = try await common.host.listStreams()
            let output = common.output
            if output.json { return try streams.forEach(output.object) }
            guard !streams.isEmpty else {
                return output.line("no streams; name them in sluice.yaml and `sluice deploy`")
            }
            output.table(StreamTable.columns, streams.map(StreamTable.row))
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "A stream with its shards and consumers.")
        @Argument(help: "The stream's name.") var name: String
        @OptionGroup var common: CommonOptions

        func run() async throws {
            let stream = try await common.host.stream(name: name)
            let output = common.output
            if output.json { return try output.object(stream) }
            let style = output.style
            let closed = stream.shards.count - stream.openShards
            output.fields([
                ("stream", style.bold(stream.name)), ("arn", stream.arn),
                ("created", "\(Human.moment(stream.created))  (\(Human.ago(stream.created)))"),
                ("retention", Human.seconds(Int64(stream.retentionHours) * 3600)),
                ("shards", "\(stream.openShards) open" + (closed == 0 ? "" : ", \(closed) closed")),
                ("newest record", stream.newestSequenceNumber ?? "none"),
            ])
            output.heading("Shards")
            output.table(
                [.whole("SHARD"), "STATE", "HASH KEYS", "FOLLOWS", .wholes("RECORDS")],
                stream.shards.map { shard in
                    [
                        shard.id, shard.isOpen ? style.green("open") : style.dim("closed"),
                        StreamText.hashKeys(shard), shard.parents.map(StreamText.shortShard).joined(separator: ", "),
                        "from \(shard.startingSequenceNumber)"
                            + (shard.endingSequenceNumber.map { " to \($0)" } ?? ""),
                    ]
                }, indent: 2)
            output.heading("Consumers")
            guard !stream.consumers.isEmpty else {
                return output.line("  none; a rule with `stream: \(stream.name)` delivers its records to a function")
            }
            output.table(
                ["RULE", "TARGET", "FUNCTION", .number("WAITING"), .number("DEAD"), .number("ITERATOR AGE")],
                stream.consumers.map {
                    [
                        $0.rule, $0.target, TargetName.kind($0.function), Human.grouped($0.waiting),
                        Human.grouped($0.dead),
                        $0.iteratorAgeMilliseconds.map(StreamText.age) ?? "-",
                    ]
                }, indent: 2)
        }
    }
}

/// Streams in lines.
enum StreamTable {
    static let columns: [Table.Column] = [
        "NAME", .number("SHARDS"), .number("RETENTION"), .number("CONSUMERS"), .number("WAITING"),
        .number("DEAD"), .number("ITERATOR AGE"),
    ]

    static func row(_ stream: StreamInfo) -> [String] {
        [
            stream.name, "\(stream.openShards)", Human.seconds(Int64(stream.retentionHours) * 3600),
            "\(stream.consumers.count)", Human.grouped(stream.consumers.reduce(0) { $0 + $1.waiting }),
            Human.grouped(stream.consumers.reduce(0) { $0 + $1.dead }),
            stream.consumers.compactMap(\.iteratorAgeMilliseconds).max().map(StreamText.age) ?? "-",
        ]
    }
}

/// Records and shards as people read them.
enum StreamText {
    /// Characters of data in a line.
    private static let maximumCharacters = 4000
    private static let maximumBytes = 24

    static func age(_ milliseconds: Int64) -> String { Human.milliseconds(Double(milliseconds)) }

    /// `3` of `shardId-000000000003`.
    static func shortShard(_ id: String) -> String {
        StreamSequence.shardNumber(id).map { "\($0)" } ?? id
    }

    /// The first digits of a shard's range, in hexadecimal: the MD5 of a key begins with them.
    static func hashKeys(_ shard: StreamInfo.Shard) -> String {
        func digits(_ text: String) -> String? {
            guard let number = UInt128(text) else { return nil }
            let hex = String(number, radix: 16)
            return (String(repeating: "0", count: 32 - hex.utf8.count) + hex).prefix(6) + "…"
        }
        guard let first = digits(shard.startingHashKey), let last = digits(shard.endingHashKey) else {
            return "\(shard.startingHashKey) to \(shard.endingHashKey)"
        }
        return "\(first) to \(last)"
    }

    /// Data as text where it is one, else its size and first bytes.
    static func data(_ bytes: [UInt8], _ style: Style) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), isReadable(text) else {
            let first = bytes.prefix(maximumBytes).map { byte in
                let hex = String(byte, radix: 16)
                return hex.utf8.count == 1 ? "0" + hex : hex
            }
            let more = bytes.count > maximumBytes ? " …" : ""
            return style.dim("(\(Human.count(bytes.count, "byte")): \(first.joined(separator: " "))\(more))")
        }
        let shown = text.unicodeScalars.prefix(maximumCharacters)
        guard shown.endIndex < text.unicodeScalars.endIndex else { return text }
        return String(String.UnicodeScalarView(shown)) + "… " + style.dim("(\(Human.count(bytes.count, "byte")))")
    }

    /// A zero byte is in no text; of other control characters few are.
    private static func isReadable(_ text: String) -> Bool {
        let odd = text.utf8.count { ($0 < 0x20 && ![0x09, 0x0A, 0x0D, 0x1B].contains($0)) || $0 == 0x7F }
        return odd * 10 <= text.utf8.count && !text.utf8.contains(0)
    }
}
