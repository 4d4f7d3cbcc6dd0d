import ArgumentParser
import Glibc
import HostAPI

/// `sluice trace`.
struct TraceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "trace",
        abstract: "Where something came from and what came of it: events, rules, invocations and objects as one tree.",
        discussion: """
            Of a file in a bucket that is no object (yet) it says why.

              sluice trace landing-zone/shop/orders/monday.csv
            """)

    @Argument(
        help: "The id of an event, an attempt, an invocation or a dead letter, or BUCKET/KEY of an object, or its file."
    )
    var id: String

    @OptionGroup var common: CommonOptions

    func run() async throws {
        let trace = try await trace()
        let output = common.output
        if output.json { return try output.object(trace) }
        for line in TraceTree(trace, output.style).lines { output.line(line) }
    }
}

extension TraceCommand {
    /// What the host knows by the id; also by the path of a file in one of its buckets.
    private func trace() async throws -> Trace {
        do {
            return try await common.host.trace(id: id)
        } catch let error as APIError {
            guard error.code == "NotFound", let file = realpath(id, nil) else { throw error }
            defer { free(file) }
            let path = String(cString: file)
            let buckets = try await common.host.listBuckets()
            for bucket in buckets where path.hasPrefix(bucket.path + "/") {
                return try await common.host.trace(id: bucket.name + path.dropFirst(bucket.path.count))
            }
            // A bucket of that name is what was meant.
            guard !buckets.contains(where: { id.hasPrefix($0.name + "/") }) else { throw error }
            let folders = buckets.prefix(12).map { "\($0.name): \($0.path)" }.joined(separator: "\n")
            throw Failure(
                "\(id) is a file in none of the host's buckets", hint: "put it into one of them:\n\(folders)")
        }
    }
}

/// A trace drawn with lines.
struct TraceTree {
    private(set) var lines: [String] = []
    private let style: Style
    private let focus: String

    init(_ trace: Trace, _ style: Style) {
        self.style = style
        focus = trace.focus
        if trace.isBeginningGone {
            lines.append(style.dim("… the events before this one are no longer in the log"))
        }
        lines.append(Text.shown(title(trace.root)))
        add(trace.root, "")
        if trace.isCut { lines.append(style.dim("… cut after \(Trace.maximumEvents) events")) }
    }

    private func title(_ event: TraceEvent) -> String {
        let name = event.id == focus ? style.bold(event.subject) + " ◀" : event.subject
        return "\(name)  \(style.dim("event \(event.id)  \(Human.moment(event.ingested))"))"
    }

    private mutating func add(_ event: TraceEvent, _ indent: String) {
        let manifests = event.manifests ?? []
        if event.deliveries.isEmpty, manifests.isEmpty {
            lines.append(indent + "└ " + style.dim("no rule matched it"))
        }
        for (index, delivery) in event.deliveries.enumerated() {
            let next = branch(
                "\(delivery.delivery.rule) → \(TargetName.beside(delivery.delivery.function))  "
                    + style.state(delivery.delivery.state)
                    + (delivery.delivery.deadLetter.map { "  sluice dlq show \($0)" } ?? "")
                    + (delivery.replay.map { style.dim("  replay \($0)") } ?? ""),
                indent, isLast: index == event.deliveries.count - 1 && manifests.isEmpty)
            for (place, invocation) in delivery.invocations.enumerated() {
                add(invocation, next, isLast: place == delivery.invocations.count - 1)
            }
        }
        for (index, manifest) in manifests.enumerated() {
            let next = branch(
                "\(manifest.rule)  manifest, \(style.state(manifest.state))", indent,
                isLast: index == manifests.count - 1)
            for told in manifest.events { add(told, branch(title(told), next, isLast: true)) }
        }
    }

    private mutating func add(_ invocation: TraceInvocation, _ indent: String, isLast: Bool) {
        let summary = invocation.summary
        let reason = summary.code.map { code in "  \(code): \(summary.message ?? "")" } ?? ""
        let next = branch(
            "\(TargetName.shown(summary.function, version: summary.version))  \(style.state(summary.outcome))  "
                + style.dim(
                    "attempt \(summary.attempt)  \(summary.requestID)  "
                        + Human.duration(summary)
                        + (summary.eventIDs.count > 1 ? "  batch of \(summary.eventIDs.count)" : "")) + reason,
            indent, isLast: isLast)
        let size = summary.eventIDs.count
        for (index, effect) in invocation.effects.enumerated() {
            let isFocus = effect.effect.event == focus
            let subject = "\(effect.effect.kind) \(effect.effect.subject)"
            let details = [
                effect.effect.kind == "event" || effect.effect.note == effect.effect.event ? nil : effect.effect.note,
                effect.effect.event.map { "event \($0)" },
                size > 1 && effect.effect.record == nil ? "of a batch of \(size)" : nil,
            ]
            let below = branch(
                (isFocus ? style.bold(subject) + " ◀" : subject) + "  "
                    + style.dim(details.compactMap(\.self).joined(separator: "  ")),
                next, isLast: index == invocation.effects.count - 1)
            // Its own line is there already; what no rule wants ends here.
            for event in effect.events where !event.deliveries.isEmpty || event.manifests != nil { add(event, below) }
        }
    }

    /// Adds a line, one whatever other people's names and messages have in them; what belongs below it is indented by
    /// what this returns.
    private mutating func branch(_ text: String, _ indent: String, isLast: Bool) -> String {
        lines.append(indent + (isLast ? "└ " : "├ ") + Text.shown(text))
        return indent + (isLast ? "  " : "│ ")
    }
}
