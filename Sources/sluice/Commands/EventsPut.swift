import ArgumentParser
import FunctionJSON
import HostAPI

extension Events {
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "put", abstract: "Put one event, or a file of them.",
            discussion: """
                With --file, each line is {"source":…,"detailType":…,"detail":{…}} with optional bus, resources, time \
                and deduplicationID; EventBridge's names (Source, DetailType, Detail, detail-type) are understood too.
                """)

        @Option(name: .long, help: "Who sends it, such as my.shop.") var source: String?
        @Option(name: .long, help: "What happened, such as \"Order Placed\".") var detailType: String?
        @Option(name: .long, help: ArgumentHelp("A JSON object.", valueName: "json")) var detail: String?
        @Option(name: .long, help: "The bus. Default: default.") var bus: String?
        @Option(name: .long, help: ArgumentHelp("A resource it is about; repeat it for several.", valueName: "name"))
        var resource: [String] = []
        @Option(name: .long, help: "When it happened: RFC 3339. Default: now.") var time: String?
        @Option(
            name: [.long, .customLong("dedup")],
            help: ArgumentHelp("Put only once within five minutes.", valueName: "id"))
        var deduplicationID: String?
        @Option(name: .long, help: ArgumentHelp("Events as JSON lines; - for the standard input.", valueName: "file"))
        var file: String?
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if file != nil {
                guard source == nil, detailType == nil, detail == nil, resource.isEmpty, time == nil,
                    deduplicationID == nil
                else {
                    throw ValidationError("--file takes the events from the file: leave out --source and the like.")
                }
            } else if source == nil || detailType == nil || detail == nil {
                throw ValidationError("Give --source, --detail-type and --detail, or --file.")
            }
        }

        func run() async throws {
            if let file {
                try await put(file: file)
            } else if let source, let detailType, let detail {
                let json: RawJSON
                do { json = try RawJSON(detail) } catch {
                    throw Failure(
                        "--detail is not JSON: \(error)", hint: #"a JSON object, such as --detail '{"id": 1}'"#)
                }
                let entry = EventEntry(
                    bus: bus, source: source, detailType: detailType, detail: json,
                    resources: resource.isEmpty ? nil : resource, time: time, deduplicationID: deduplicationID)
                let refused = try await send([entry], lines: [nil])
                if refused > 0 { throw ExitCode(1) }
            }
        }

        /// Puts the lines in portions, and whatever happens says how far it came.
        private func put(file: String) async throws {
            var portion = Portion()
            var (accepted, refused, done) = (0, 0, 0)
            do {
                var input = try InputFile(file)
                var number = 0
                while let line = try input.line() {
                    number += 1
                    if InputFile.isBlank(line) { continue }
                    let entry = try EventLine.entry(line, place: "\(file):\(number)", bus: bus)
                    if !portion.hasRoom(for: line.count) { try await send() }
                    portion.add(entry, line: number, bytes: line.count)
                }
                try await send()
            } catch {
                // The host has answered, or there is none: nothing of them is in doubt.
                if error is APIError { portion.isSent = false }
                let sent = portion.isSent ? portion.lines.compactMap(\.self) : []
                if accepted + refused > 0 || !sent.isEmpty {
                    var message = "\(Human.count(accepted, "event")) put (lines 1 to \(Human.grouped(done)))"
                    if refused > 0 { message += ", \(Human.grouped(refused)) refused" }
                    if let first = sent.first, let last = sent.last {
                        message +=
                            "; what came of lines \(first) to \(last) is not known: they were sent and not answered"
                    }
                    Failure.warn(
                        message,
                        hint:
                            "correct what is named below, and put the rest with a file that begins with line \(done + 1)"
                    )
                } else {
                    Failure.warn("nothing of \(file) was put")
                }
                throw error
            }
            if !common.output.json {
                StandardError.write("\(Human.count(accepted, "event")) put, \(Human.grouped(refused)) refused")
            }
            if refused > 0 { throw ExitCode(1) }

            func send() async throws {
                guard let last = portion.lines.last.flatMap(\.self) else { return }
                portion.isSent = true
                let failed = try await self.send(portion.entries, lines: portion.lines)
                refused += failed
                accepted += portion.entries.count - failed
                done = last
                portion = Portion()
            }
        }

        /// What goes to the host in one request, well below what it takes.
        private struct Portion {
            private(set) var entries: [EventEntry] = []
            private(set) var lines: [Int?] = []
            private var bytes = 0
            var isSent = false

            private static let maximumBytes = 4 << 20

            func hasRoom(for count: Int) -> Bool {
                entries.isEmpty
                    || (entries.count < EventSubmission.maximumEntries && bytes + count <= Self.maximumBytes)
            }

            mutating func add(_ entry: EventEntry, line: Int, bytes count: Int) {
                entries.append(entry)
                lines.append(line)
                bytes += count
            }
        }

        /// - Returns: how many were refused.
        private func send(_ entries: [EventEntry], lines: [Int?]) async throws -> Int {
            let receipt = try await common.host.putEvents(EventSubmission(entries: entries))
            let output = common.output
            var unknownBus: String?
            var hasReserved = false
            for (index, result) in receipt.results.enumerated() {
                if output.json {
                    try output.object(result)
                } else if let id = result.eventID {
                    output.line(id)
                } else {
                    let place = index < lines.count ? lines[index].map { "line \($0): " } ?? "" : ""
                    StandardError.write(
                        "error: \(place)refused: \(result.code ?? "Refused"): \(result.message ?? "no reason given")")
                    if result.code == "ResourceNotFoundException" { unknownBus = entries[index].bus }
                    if result.code == "NotAuthorizedForSourceException" { hasReserved = true }
                }
            }
            if hasReserved {
                StandardError.write(
                    "  hint: sources that begin with `aws.` are the host's own, as on AWS: name your events' source otherwise"
                )
            }
            if let unknownBus {
                do { _ = try await common.host.listRules(bus: unknownBus) } catch let error as APIError {
                    // Its hint has the names there are.
                    if let hint = error.hint { StandardError.write("  hint: \(hint)") }
                }
            }
            return receipt.failedCount
        }
    }
}

/// One line of a file of events, under our names or EventBridge's.
enum EventLine {
    /// Fails for a line that is no JSON object, lacks a field, or has a field of another kind than the host takes.
    /// - Parameter bus: where the line names none.
    static func entry(_ line: [UInt8], place: String, bus: String?) throws(Failure) -> EventEntry {
        let value: JSONValue
        do { value = try JSONValue(parsing: line) } catch { throw Failure(line: "\(place): not JSON: \(error)") }
        guard case .object = value else { throw Failure(line: "\(place): not an object") }
        func found(_ names: [String]) -> (name: String, value: JSONValue)? {
            for name in names {
                if let found = value[name], found != .null { return (name, found) }
            }
            return nil
        }
        func text(_ names: String...) throws(Failure) -> String? {
            guard let (name, value) = found(names) else { return nil }
            guard let text = value.string else { throw Failure(line: "\(place): `\(name)` must be a text") }
            return text
        }
        guard let source = try text("source", "Source") else { throw Failure(line: "\(place): `source` is missing") }
        guard let type = try text("detailType", "detail-type", "DetailType") else {
            throw Failure(line: "\(place): `detailType` is missing")
        }
        guard let (_, detail) = found(["detail", "Detail"]) else {
            throw Failure(line: "\(place): `detail` is missing")
        }
        let json: RawJSON
        do {
            if let string = detail.string { json = try RawJSON(string) } else { json = try RawJSON(encoding: detail) }
        } catch {
            throw Failure(line: "\(place): `detail` is not JSON: \(error)")
        }
        var resources: [String]?
        if let (name, value) = found(["resources", "Resources"]) {
            guard let list = value.array, list.allSatisfy({ $0.string != nil }) else {
                throw Failure(line: "\(place): `\(name)` must be an array of texts")
            }
            resources = list.compactMap(\.string)
        }
        return EventEntry(
            bus: try text("bus", "EventBusName", "eventBusName") ?? bus, source: source, detailType: type, detail: json,
            resources: resources, time: try text("time", "Time"),
            deduplicationID: try text("deduplicationID", "dedup"))
    }
}

extension Failure {
    /// A line of a file of events cannot be put.
    fileprivate init(line message: String) {
        self.init(
            message,
            hint: #"each line is {"source":…,"detailType":…,"detail":{…}}: `sluice events put --help`"#)
    }
}
