import HostAPI

/// A trace drawn with lines, none longer than the terminal is wide where there is one.
struct TraceTree {
    private(set) var lines: [String] = []
    private let style: Style
    private let focus: String
    /// Columns of the terminal; nil: everything is written out.
    private let width: Int?
    /// Why targets are paused, by `rule/target`.
    private let pauses: [String: String]
    /// ` --data DIR` for the commands it names.
    private let data: String

    init(_ trace: Trace, _ style: Style, width: Int? = nil, pauses: [String: String] = [:], data: String = "") {
        self.style = style
        self.width = width
        self.pauses = pauses
        self.data = data
        focus = trace.focus
        if trace.isBeginningGone {
            lines.append(style.dim("… the events before this one are no longer in the log"))
        }
        add(title(trace.root), TracePrefix("", below: ""))
        add(trace.root, "")
        if trace.isCut { lines.append(style.dim("… cut after \(Trace.maximumEvents) events")) }
    }

    private func title(_ event: TraceEvent) -> TraceLine {
        TraceLine(
            name: event.subject, isFocus: event.id == focus, event: event.id, more: Human.moment(event.ingested))
    }

    private mutating func add(_ event: TraceEvent, _ indent: String) {
        let manifests = event.manifests ?? []
        if event.deliveries.isEmpty, manifests.isEmpty {
            lines.append(indent + "└ " + style.dim("no rule matched it"))
        }
        for (index, delivery) in event.deliveries.enumerated() {
            let isLast = index == event.deliveries.count - 1 && manifests.isEmpty
            let prefix = TracePrefix(indent, isLast: isLast, isParent: !delivery.invocations.isEmpty)
            add(words(delivery, bus: event.bus), prefix)
            for (place, invocation) in delivery.invocations.enumerated() {
                add(invocation, prefix.below, isLast: place == delivery.invocations.count - 1)
            }
        }
        for (index, manifest) in manifests.enumerated() {
            let prefix = TracePrefix(indent, isLast: index == manifests.count - 1, isParent: !manifest.events.isEmpty)
            add(["\(manifest.rule)  manifest, \(style.state(manifest.state))"], prefix)
            for told in manifest.events {
                let next = TracePrefix(prefix.below, isLast: true)
                add(title(told), next)
                add(told, next.below)
            }
        }
    }

    /// What became of a delivery, and what to do about it.
    private func words(_ traced: TraceDelivery, bus: String) -> [String] {
        let delivery = traced.delivery
        var state = style.state(delivery.state)
        var advice = delivery.deadLetter.map { "sluice dlq show \($0)\(data)" }
        if ["waiting", "retrying"].contains(delivery.state), let reason = pauses[delivery.rule + "/" + delivery.target]
        {
            state += ": " + style.yellow("paused \(reason)")
            // Of a stream's record it is the stream.
            let option = bus == "default" || bus.contains("/") ? "" : " --bus \(bus)"
            advice = "sluice rules resume \(delivery.rule)\(option)\(data)"
        } else if let letters = delivery.parkedBehind {
            let ids = letters.map(String.init).joined(separator: ", ")
            state +=
                letters.isEmpty
                ? " behind a dead letter of its key"
                : " behind dead \(letters.count == 1 ? "letter" : "letters") \(ids)"
            advice = letters.first.map { "sluice dlq show \($0)\(data)" } ?? "sluice dlq list\(data)"
        } else if delivery.state == "in flight", traced.invocations.last?.summary.outcome == "succeeded" {
            // What it did is committed; the delivery's own end is on its way.
            state = "settling"
        }
        return [
            "\(delivery.rule) → \(TargetName.beside(delivery.function))  \(state)", advice,
            traced.replay.map { style.dim("replay \($0)") },
        ].compactMap(\.self)
    }

    private mutating func add(_ invocation: TraceInvocation, _ indent: String, isLast: Bool) {
        let summary = invocation.summary
        let prefix = TracePrefix(indent, isLast: isLast, isParent: !invocation.effects.isEmpty)
        let size = summary.eventIDs.count
        add(
            [
                "\(TargetName.shown(summary.function, version: summary.version))  \(style.state(summary.outcome))  "
                    + style.dim("attempt \(summary.attempt)  \(summary.requestID)  \(Human.duration(summary))"),
                size > 1 ? style.dim("batch of \(size)") : nil,
                summary.code.map { "\($0): \(summary.message ?? "")" },
            ].compactMap(\.self), prefix)
        for (index, effect) in invocation.effects.enumerated() {
            let (kind, note) = (effect.effect.kind, effect.effect.note)
            // Of an event that is in the log its own words; else the bus that it went to.
            var name = effect.effect.subject
            if kind == "event" {
                let told = effect.events.first?.subject
                name = name == "default" ? told ?? "on bus default" : (told.map { $0 + " " } ?? "") + "on bus \(name)"
            }
            let line = TraceLine(
                name: name, before: kind + " ", isFocus: effect.effect.event == focus,
                note: kind == "event" || note == effect.effect.event ? nil : note.map(Self.size),
                event: effect.effect.event,
                more: size > 1 && effect.effect.record == nil ? "of a batch of \(size)" : nil)
            // Its own line is there already; what no rule wants ends here.
            let events = effect.events.filter { !$0.deliveries.isEmpty || $0.manifests != nil }
            let next = TracePrefix(
                prefix.below, isLast: index == invocation.effects.count - 1, isParent: !events.isEmpty)
            add(line, next)
            for event in events { add(event, next.below) }
        }
    }

    /// `784 bytes`, as journals have it, is `784 B` as everywhere.
    private static func size(_ note: String) -> String {
        guard note.hasSuffix(" bytes"), let count = Int64(note.dropLast(6)) else { return note }
        return Human.bytes(count)
    }

    /// Adds an object's or event's line, made as short as it takes.
    private mutating func add(_ line: TraceLine, _ prefix: TracePrefix) {
        lines.append(prefix.first + line.text(style, room: width.map { $0 - prefix.first.count }))
    }

    /// Adds words on one line, or as many as there is room for on each; all is one line of the tree, whatever other
    /// people's names and messages have in them.
    private mutating func add(_ parts: [String], _ prefix: TracePrefix) {
        let parts = parts.map { Text.shown($0) }
        let whole = parts.joined(separator: "  ")
        let room = width.map { max(20, $0 - prefix.first.count) }
        guard let room, Table.length(whole) > room else { return lines.append(prefix.first + whole) }
        var shown: [String] = []
        for part in parts {
            if let last = shown.last, Table.length(last) + 2 + Table.length(part) <= room {
                shown[shown.count - 1] = last + "  " + part
            } else {
                shown += Table.length(part) <= room ? [part] : Text.filled(part, width: room - 2)
            }
        }
        for (index, text) in shown.enumerated() {
            // What goes on below is set off from what belongs below.
            lines.append(index == 0 ? prefix.first + text : prefix.further + text)
        }
    }
}

/// What stands before a line of the tree, before its further lines, and before what belongs below it.
private struct TracePrefix {
    let first: String
    let further: String
    let below: String

    init(_ indent: String, isLast: Bool, isParent: Bool = false) {
        first = indent + (isLast ? "└ " : "├ ")
        below = indent + (isLast ? "  " : "│ ")
        further = below + (isParent ? "│ " : "  ")
    }

    init(_ first: String, below: String) { (self.first, further, self.below) = (first, below + "│ ", below) }
}

/// An object or an event, with what is told of it.
private struct TraceLine {
    var name: String
    /// `put `, `register `
    var before = ""
    var isFocus: Bool
    /// May begin with an object's name, as that of a catalog's entry does.
    var note: String?
    var event: String?
    var more: String?

    /// In at most so many columns: the names' ids are shortened first, then the event's id is left out, then names are
    /// cut in the middle.
    func text(_ style: Style, room: Int?) -> String {
        guard let room else { return written(style, name, note, event) }
        let (name, note) = (Text.shown(name), self.note.map { Text.shown($0) })
        let (shortName, shortNote) = (Self.short(name), note.map(Self.short))
        for (name, note, event) in [
            (name, note, event), (shortName, shortNote, event), (name, note, nil), (shortName, shortNote, nil),
        ] {
            let text = written(style, name, note, event)
            if Table.length(text) <= room { return text }
        }
        // The name before the note's: it is what the line is about.
        let others = Table.length(written(style, "", shortNote, nil))
        if room - others >= 24 { return written(style, Self.cut(shortName, room - others), shortNote, nil) }
        let rest = Table.length(written(style, shortName, "", nil))
        if let shortNote, room - rest >= 12 { return written(style, shortName, Self.cut(shortNote, room - rest), nil) }
        let bare = Table.length(written(style, "", nil, nil))
        return Table.cut(written(style, Self.cut(shortName, max(12, room - bare)), nil, nil), to: room)
    }

    private func written(_ style: Style, _ name: String, _ note: String?, _ event: String?) -> String {
        let subject = Text.shown(before + name)
        let details = [note, event.map { "event \($0)" }, more].compactMap(\.self).map { Text.shown($0) }
        return (isFocus ? style.bold(subject) + " ◀" : subject)
            + (details.isEmpty ? "" : "  " + style.dim(details.joined(separator: "  ")))
    }

    private static func cut(_ text: String, _ room: Int) -> String { Table.cut(text, to: room, inMiddle: true) }

    /// Of a file that is named by an id its first digits: `a8cab75f….parquet`. What follows the name stays.
    private static func short(_ text: String) -> String {
        let begin = text.lastIndex(of: "/").map { text.index(after: $0) } ?? text.startIndex
        let id = text[begin...].prefix { $0.isHexDigit || $0 == "-" }
        guard id.count >= 20 else { return text }
        return text[..<begin] + id.prefix(8) + "…" + text[id.endIndex...]
    }
}
