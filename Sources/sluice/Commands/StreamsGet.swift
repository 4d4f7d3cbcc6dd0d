import AppConfig
import ArgumentParser
import EventModel
import HostAPI

extension Streams {
    struct Get: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "get", abstract: "Records of a stream, oldest first.",
            discussion: """
                Reading takes nothing away: what functions have got and will get stays the same. Data that is no text is \
                shown by its size and first bytes; --raw writes it as it is, --json as base64 and, where it is one, as \
                `text`. What stands before it: when it arrived, shard and sequence number, and its partition key.
                """)

        @Argument(help: "The stream's name.") var name: String
        @Option(
            name: .long,
            help: ArgumentHelp(
                "Where to begin: trim-horizon (the oldest), latest (what comes from now on), a time "
                    + "(\(MomentArgument.words)), or a sequence number. Default: trim-horizon, with --follow latest.",
                valueName: "place"))
        var from: Place?
        @Option(name: .long, help: ArgumentHelp("Only of this shard: its id, or its number.", valueName: "shard"))
        var shard: String?
        @Option(
            name: .long,
            help: ArgumentHelp("Print at most this many; 0: all. Default: 50, with --follow all.", valueName: "n"))
        var limit: Int?
        @Flag(name: .shortAndLong, help: "Go on with new records as they come.") var follow = false
        @Flag(name: .long, help: "Print the data alone, as it is, each record on a line.") var raw = false
        @OptionGroup var common: CommonOptions

        /// `--from`.
        struct Place: ExpressibleByArgument {
            let start: StreamStart

            init?(argument: String) {
                // Also as the id of an event: `shardId-…:49…`.
                let number = argument.split(separator: ":").last.map(String.init) ?? argument
                if argument == "trim-horizon" || argument == "TRIM_HORIZON" {
                    start = .trimHorizon
                } else if argument == "latest" || argument == "LATEST" {
                    start = .latest
                } else if StreamSequence.position(of: number) != nil {
                    start = .atSequenceNumber(number)
                } else if let moment = MomentArgument(argument: argument) {
                    start = .atTimestamp(moment.time)
                } else {
                    return nil
                }
            }
        }

        /// A record as `--json` prints it: with its data as text where it is one.
        private struct Shown: Encodable {
            private enum CodingKeys: String, CodingKey { case text }

            let record: StreamPage.Record
            let text: String?

            init(_ record: StreamPage.Record, text: String?) {
                (self.record, self.text) = (record, text)
            }

            func encode(to encoder: any Encoder) throws {
                try record.encode(to: encoder)
                var container = encoder.container(keyedBy: CodingKeys.self)
                try container.encodeIfPresent(text, forKey: .text)
            }
        }

        func validate() throws {
            if let limit, limit < 0 { throw ValidationError("--limit must be 0 (all) or more.") }
            if raw, common.output.json { throw ValidationError("Give --raw or --json, not both.") }
        }

        func run() async throws {
            let host = common.host
            let stream = try await host.stream(name: name)
            let shard = try chosenShard(of: stream)
            // Without --follow, what is there now: a stream that is written to has no end.
            let end = stream.newestSequenceNumber.flatMap(StreamSequence.position(of:)) ?? 0
            var position = try await host.streamPosition(
                stream: name, start: from?.start ?? (follow ? .latest : .trimHorizon))
            var left = limit.map { $0 == 0 ? .max : $0 } ?? (follow ? Int.max : 50)
            var printed = 0
            while left > 0 {
                let page = try await host.streamRecords(
                    StreamQuery(
                        stream: name, shard: shard, after: position.after, limit: min(left, StreamQuery.maximumRecords))
                )
                try print(page.records)
                left -= page.records.count
                printed += page.records.count
                position = page.next
                if page.isEnd { return finish(printed, isClosed: follow) }
                let isThrough = position.after >= end || page.behindMilliseconds == 0
                if !follow, isThrough { return finish(printed, isClosed: false) }
                if follow {
                    common.output.flush()
                    if page.behindMilliseconds == 0, page.records.isEmpty {
                        try await Task.sleep(for: .milliseconds(200))
                    }
                }
            }
            if !follow, position.after < end { LimitOption().tell(true) }
        }

        /// The id of the shard that `--shard` names.
        private func chosenShard(of stream: StreamInfo) throws -> String? {
            guard let shard else { return nil }
            let id = Int(shard).flatMap { $0 >= 0 && $0 < 1_000_000_000 ? StreamSequence.shardID($0) : nil } ?? shard
            let ids = stream.shards.map(\.id)
            guard ids.contains(id) else {
                throw Failure(
                    "stream \(stream.name) has no shard `\(shard)`",
                    hint: NearestName.hint(for: shard, among: ids, known: "its shards"))
            }
            return id
        }

        private func finish(_ count: Int, isClosed: Bool) {
            if isClosed { StandardError.write("the shard is closed and has been read to its end") }
            if count == 0, !raw, !common.output.json, !isClosed { common.output.line("no records") }
        }

        private func print(_ records: [StreamPage.Record]) throws {
            let (output, style) = (common.output, common.output.style)
            var lines: [UInt8] = []
            for record in records {
                guard let data = Base64.decode(record.data.utf8) else {
                    throw Failure("the data of record \(record.sequenceNumber) cannot be read: it is no base64")
                }
                if output.json {
                    try output.object(Shown(record, text: String(validating: data, as: UTF8.self)))
                    continue
                }
                if raw {
                    lines += data
                    if data.last != 0x0A { lines.append(0x0A) }
                } else {
                    output.line(
                        "\(style.dim(Human.moment(record.arrived)))  "
                            + "\(style.dim("\(StreamText.shortShard(record.shardID)):\(record.sequenceNumber)"))  "
                            + "\(style.bold(Text.shown(record.partitionKey)))  "
                            + Text.shown(StreamText.data(data, style)))
                }
            }
            try output.raw(lines)
        }
    }
}
