import ArgumentParser
import FunctionJSON
import HostAPI

extension Events {
    struct Put: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put one event, or a file of them.",
            discussion: """
                With --file, each line is {"source":…,"detailType":…,"detail":{…}} with optional bus, resources, time \
                and deduplicationID; EventBridge's names (Source, DetailType, Detail, detail-type) are understood too.
                """)

        @Option(name: .long, help: "Who sends it, such as my.shop.") var source: String?
        @Option(name: .long, help: "What happened, such as \"Order Placed\".") var detailType: String?
        @Option(name: .long, help: ArgumentHelp("A JSON object.", valueName: "json")) var detail: String?
        @Option(name: .long, help: "The bus; default: default.") var bus: String?
        @Option(name: .long, help: ArgumentHelp("A resource it is about; repeatable.", valueName: "name"))
        var resource: [String] = []
        @Option(name: .long, help: "RFC 3339; default: now.") var time: String?
        @Option(name: .long, help: ArgumentHelp("Put only once within five minutes.", valueName: "id"))
        var dedup: String?
        @Option(name: .long, help: ArgumentHelp("Events as JSON lines; - for the standard input.", valueName: "file"))
        var file: String?
        @OptionGroup var common: CommonOptions

        func validate() throws {
            if file != nil {
                guard source == nil, detailType == nil, detail == nil, resource.isEmpty, time == nil, dedup == nil
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
                do { json = try RawJSON(detail) } catch { throw Failure("--detail is not JSON: \(error)") }
                let entry = EventEntry(
                    bus: bus, source: source, detailType: detailType, detail: json,
                    resources: resource.isEmpty ? nil : resource, time: time, deduplicationID: dedup)
                let refused = try await send([entry], lines: [nil])
                if refused > 0 { throw ExitCode(1) }
            }
        }

        private func put(file: String) async throws {
            var input = try InputFile(file)
            var entries: [EventEntry] = []
            var lines: [Int?] = []
            var number = 0
            var (accepted, refused) = (0, 0)
            var ended = false
            while !ended {
                if let line = try input.line() {
                    number += 1
                    if line.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
                    entries.append(try entry(line, place: "\(file):\(number)"))
                    lines.append(number)
                } else {
                    ended = true
                }
                if entries.count == EventSubmission.mostEntries || (ended && !entries.isEmpty) {
                    let failed = try await send(entries, lines: lines)
                    refused += failed
                    accepted += entries.count - failed
                    entries.removeAll(keepingCapacity: true)
                    lines.removeAll(keepingCapacity: true)
                }
            }
            if !common.output.json {
                StandardError.write("\(Human.count(accepted, "event")) put, \(Human.grouped(Int64(refused))) refused")
            }
            if refused > 0 { throw ExitCode(1) }
        }

        /// One entry of a line, under our names or EventBridge's.
        private func entry(_ line: [UInt8], place: String) throws -> EventEntry {
            let value: JSONValue
            do { value = try JSONValue(parsing: line) } catch { throw Failure("\(place): not JSON: \(error)") }
            func text(_ names: String...) -> String? { names.lazy.compactMap { value[$0]?.string }.first }
            guard let source = text("source", "Source") else { throw Failure("\(place): `source` is missing") }
            guard let type = text("detailType", "detail-type", "DetailType") else {
                throw Failure("\(place): `detailType` is missing")
            }
            guard let detail = value["detail"] ?? value["Detail"] else {
                throw Failure("\(place): `detail` is missing")
            }
            let json: RawJSON
            if let string = detail.string {
                do { json = try RawJSON(string) } catch { throw Failure("\(place): `detail` is not JSON: \(error)") }
            } else {
                json = try RawJSON(encoding: detail)
            }
            let resources = (value["resources"] ?? value["Resources"])?.array?.compactMap(\.string)
            return EventEntry(
                bus: text("bus", "EventBusName", "eventBusName") ?? bus, source: source, detailType: type, detail: json,
                resources: resources, time: text("time", "Time"), deduplicationID: text("deduplicationID", "dedup"))
        }

        /// - Returns: how many were refused.
        private func send(_ entries: [EventEntry], lines: [Int?]) async throws -> Int {
            let receipt = try await common.host.putEvents(EventSubmission(entries: entries))
            let output = common.output
            for (index, result) in receipt.results.enumerated() {
                if output.json {
                    try output.object(result)
                } else if let id = result.eventID {
                    output.line(id)
                } else {
                    let place = index < lines.count ? lines[index].map { "line \($0): " } ?? "" : ""
                    StandardError.write(
                        "error: \(place)refused: \(result.code ?? "Refused"): \(result.message ?? "no reason given")")
                }
            }
            return receipt.failedCount
        }
    }
}
