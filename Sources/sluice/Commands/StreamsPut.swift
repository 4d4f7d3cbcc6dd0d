import ArgumentParser
import EventModel
import FunctionJSON
import CLinux
import Glibc
import HostAPI

extension Streams {
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "Put one record, or a file of them.",
            discussion: """
                A record is at most 1 MiB of data with a partition key of up to 256 characters; records of one key keep \
                their order. With --lines each line of the file is a record, such as NDJSON:
                  sluice streams put clicks --file clicks.ndjson --lines --key-field user.id
                Without a key the data's own hash is the key, which spreads the records over the shards.
                """)

        @Argument(help: "The stream's name.") var name: String
        @Option(name: .long, help: ArgumentHelp("The partition key.", valueName: "key")) var key: String?
        @Option(name: .long, help: ArgumentHelp("The data, as text.", valueName: "text")) var text: String?
        @Option(
            name: .long,
            help: ArgumentHelp("The data, or with --lines records; - for the standard input.", valueName: "file"))
        var file: String?
        @Flag(name: .long, help: "Each line of the file is a record.") var lines = false
        @Option(
            name: .long,
            help: ArgumentHelp(
                "With --lines: the partition key is this field of each line's JSON, such as customer.id.",
                valueName: "path"))
        var keyField: String?
        @Flag(name: .long, help: "The data, or each line, is base64.") var base64 = false
        @OptionGroup var common: CommonOptions

        func validate() throws {
            guard (text == nil) != (file == nil) else { throw ValidationError("Give --text or --file.") }
            if lines, file == nil { throw ValidationError("--lines takes its records from a --file.") }
            if keyField != nil {
                guard lines else { throw ValidationError("--key-field is for --lines: give --key.") }
                guard key == nil else { throw ValidationError("Give --key or --key-field, not both.") }
            }
            if let key, let problem = RecordLine.problem(ofKey: key) { throw ValidationError("--key \(problem).") }
        }

        func run() async throws {
            if lines, let file { return try await put(linesOf: file) }
            let place = file.map { $0 == "-" ? "the standard input" : $0 } ?? "--text"
            let bytes = try text.map { Array($0.utf8) } ?? InputFile.bytes(of: file ?? "-")
            let record = try RecordLine.record(bytes, place: place, key: key, keyField: nil, isBase64: base64)
            let results = try await send([record.entry])
            let output = common.output
            for result in results where !output.json { output.line("\(result.shardID)  \(result.sequenceNumber)") }
        }

        /// Puts the lines in portions, one after the other so that their order stays, and whatever happens says how far
        /// it came.
        private func put(linesOf file: String) async throws {
            var portion = Portion()
            var (put, done, read) = (0, 0, 0)
            let size = Self.size(of: file)
            var bar = ProgressBar("putting")
            do {
                var input = try InputFile(file)
                var number = 0
                while let line = try input.line() {
                    number += 1
                    read += line.count + 1
                    if InputFile.isBlank(line) { continue }
                    let record = try RecordLine.record(
                        line, place: "\(file): line \(number)", key: key, keyField: keyField, isBase64: base64)
                    if !portion.hasRoom(for: record.bytes) {
                        try await sendPortion()
                        if size > 1 << 20 {
                            bar.show(min(read, size), of: size, note: Human.count(put, "record"))
                        }
                    }
                    portion.add(record, line: number)
                }
                try await sendPortion()
                bar.finish()
            } catch {
                bar.finish()
                let sent = portion.isSent ? portion.lines : 0...0
                if put > 0 || portion.isSent {
                    var message = "\(Human.count(put, "record")) put"
                    if done > 0 { message += " (lines 1 to \(Human.grouped(done)))" }
                    if portion.isSent {
                        message +=
                            "; what came of lines \(sent.lowerBound) to \(sent.upperBound) is not known: they were "
                            + "sent and not answered"
                    }
                    Failure.warn(
                        message,
                        hint:
                            "correct what is named below, and put the rest with a file that begins with line \(done + 1)"
                    )
                } else if let failure = error as? Failure {
                    throw Failure("\(failure.message); nothing was put", hint: failure.hint)
                }
                throw error
            }
            if !common.output.json { common.output.line("\(Human.count(put, "record")) put to \(name)") }

            func sendPortion() async throws {
                guard !portion.entries.isEmpty else { return }
                portion.isSent = true
                put += try await send(portion.entries).count
                done = portion.lines.upperBound
                portion = Portion()
            }
        }

        private func send(_ entries: [RecordSubmission.Entry]) async throws -> [RecordReceipt.Result] {
            let receipt = try await common.host.putRecords(stream: name, submission: RecordSubmission(records: entries))
            if common.output.json { try receipt.results.forEach(common.output.object) }
            return receipt.results
        }

        /// What goes to the host in one request.
        private struct Portion {
            private(set) var entries: [RecordSubmission.Entry] = []
            private(set) var lines = 0...0
            private var bytes = 0
            var isSent = false

            func hasRoom(for count: Int) -> Bool {
                entries.isEmpty
                    || (entries.count < RecordSubmission.maximumRecords
                        && bytes + count <= RecordSubmission.maximumBytes)
            }

            mutating func add(_ record: RecordLine, line: Int) {
                lines = (entries.isEmpty ? line : lines.lowerBound)...line
                entries.append(record.entry)
                bytes += record.bytes
            }
        }

        /// Bytes of a file; 0 where that is not known.
        private static func size(of file: String) -> Int {
            var status = stat()
            guard file != "-", stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return 0 }
            return Int(status.st_size)
        }
    }
}

/// A record as the command line puts it.
struct RecordLine {
    var entry: RecordSubmission.Entry
    /// Of data and key.
    var bytes: Int

    /// Fails for data that is too long or no base64, and for a key that is not there, too long or empty.
    static func record(
        _ data: [UInt8], place: String, key: String?, keyField: String?, isBase64: Bool
    ) throws(Failure) -> RecordLine {
        var (plain, text) = (data, [UInt8]())
        if isBase64 {
            // A file of base64 ends with a line end.
            let trimmed = data.filter { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
            guard let decoded = Base64.decode(trimmed) else {
                throw Failure("\(place): not base64", hint: "the standard alphabet, with padding: RFC 4648, section 4")
            }
            (plain, text) = (decoded, trimmed)
        }
        guard plain.count <= RecordSubmission.Entry.maximumDataBytes else {
            throw Failure(
                "\(place): the data has \(Human.count(plain.count, "byte")), a record at most "
                    + Human.grouped(RecordSubmission.Entry.maximumDataBytes),
                hint: "put large data into a bucket, and its key into the stream")
        }
        var key = key
        if let keyField { key = try self.key(keyField, in: plain, place: place) }
        let chosen = key ?? hash(plain)
        if let problem = problem(ofKey: chosen) { throw Failure("\(place): the partition key \(problem)") }
        if !isBase64 { text = Base64.encode(plain) }
        return RecordLine(
            entry: .init(partitionKey: chosen, data: String(decoding: text, as: UTF8.self)),
            bytes: plain.count + chosen.utf8.count)
    }

    /// What is wrong with a partition key; nil: nothing.
    static func problem(ofKey key: String) -> String? {
        if key.isEmpty { return "is empty" }
        let count = key.unicodeScalars.count
        guard count > RecordSubmission.Entry.maximumKeyCharacters else { return nil }
        return "has \(count) characters, and may have \(RecordSubmission.Entry.maximumKeyCharacters)"
    }

    private static let keyHint =
        "--key-field takes the key from each line's JSON; give --key, or neither: the data's own hash is the key then"

    /// The text, number or boolean at a path of names with dots between.
    private static func key(_ path: String, in line: [UInt8], place: String) throws(Failure) -> String {
        var node: JSONNode?
        do { node = try JSONDocument(parsing: line).root } catch {
            throw Failure("\(place), column \(error.column): not JSON: \(error.message)", hint: keyHint)
        }
        for name in path.split(separator: ".", omittingEmptySubsequences: false) { node = node?[String(name)] }
        guard let node, node.kind != .null else { throw Failure("\(place): there is no `\(path)`", hint: keyHint) }
        if let text = node.string ?? node.numberText ?? node.bool.map({ "\($0)" }) { return text }
        throw Failure(
            "\(place): `\(path)` is of the kind \(node.kind), and a partition key is a text, a number or a boolean",
            hint: keyHint)
    }

    /// FNV-1a of 64 bits: the same data has the same key.
    private static func hash(_ bytes: [UInt8]) -> String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return String(hash, radix: 16)
    }
}
