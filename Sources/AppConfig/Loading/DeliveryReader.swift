import EventModel

/// The keys of a target that say how it is delivered: order, batches, rates, breaker.
enum DeliveryReader {
    /// `isStream`: of a rule on a stream, whose records go in order by their partition keys unless it says otherwise.
    static func read(_ reader: inout MappingReader, isStream: Bool = false) -> DeliveryOptions? {
        var options = DeliveryOptions()
        let isUnordered = saysNone(&reader)
        if !isUnordered { options.keys = keys(&reader) }
        if isStream, !isUnordered, !reader.has("ordering"), !reader.has("keyConcurrency") {
            options.keys = DeliveryOptions.Keys(path: StreamFilter.partitionKeyPath)
        }
        options.batchWindowSeconds = reader.number("maximumBatchingWindowInSeconds", in: 0...300, unit: "seconds")
        options.batchBytes = byteCount("maximumBatchBytes", &reader)
        options.batchBytesOf = reader.choice("batchBytesOf", DeliveryOptions.BytesOf.self)
        if options.batchBytesOf != nil, options.batchBytes == nil {
            reader.file.report(
                .missingKey, "`batchBytesOf` says what `maximumBatchBytes` counts, which is not there",
                at: reader.place(of: "batchBytesOf"), hint: "write maximumBatchBytes: 256 MB, say")
        }
        options.rateLimit = rate("rateLimit", &reader)
        options.downstream = reader.string("downstream")
        if let breaker = reader.reader("circuitBreaker") { options.breaker = Self.breaker(breaker) }
        return options.isEmpty ? nil : options
    }

    private enum OnExhausted: String, CaseIterable {
        case go = "continue"
        case park
    }

    /// `ordering: none`
    private static func saysNone(_ reader: inout MappingReader) -> Bool {
        guard case .string("none")? = reader.node("ordering")?.value else { return false }
        // Beside it a limit by key still means something.
        return !reader.has("keyConcurrency")
    }

    private static func keys(_ reader: inout MappingReader) -> DeliveryOptions.Keys? {
        var keys: DeliveryOptions.Keys?
        if var ordering = reader.reader("ordering") {
            keys = path(&ordering).map { DeliveryOptions.Keys(path: $0) }
            keys?.parks = ordering.choice("onExhausted", OnExhausted.self) == .park
            ordering.finish(instead: ["onFailure": "onExhausted", "path": "key", "by": "key"])
        }
        if var limit = reader.reader("keyConcurrency") {
            let path = path(&limit)
            let concurrency = limit.integer("concurrency", in: 1...4096)
            if !limit.has("concurrency") { limit.missing("concurrency", hint: "write concurrency: 1, say") }
            limit.finish(instead: ["limit": "concurrency", "path": "key"])
            if reader.has("ordering") {
                reader.file.report(
                    .invalidValue, "`keyConcurrency` beside `ordering`: in order there is one at a time for each key",
                    at: reader.place(of: "keyConcurrency"), hint: "take one of them away")
            } else if let path, let concurrency {
                keys = DeliveryOptions.Keys(path: path, concurrency: concurrency, isOrdered: false)
            }
        }
        return keys
    }

    private static func path(_ reader: inout MappingReader) -> String? {
        if !reader.has("key") { reader.missing("key", hint: "write key: detail.object.key, say") }
        return path("key", &reader)
    }

    /// A path like `detail.object.key`.
    static func path(_ key: String, _ reader: inout MappingReader) -> String? {
        guard let path = reader.string(key) else { return nil }
        let steps = path.split(separator: ".", omittingEmptySubsequences: false)
        guard !path.isEmpty, steps.allSatisfy({ !$0.isEmpty && $0 != "$" }) else {
            reader.file.report(
                .invalidValue, "`\(path)` is no path into an event", at: reader.place(of: key),
                hint: "names joined by dots, from the root of the event: detail.object.key")
            return nil
        }
        return path
    }

    static func rate(_ key: String, _ reader: inout MappingReader) -> RateLimit? {
        guard let node = reader.node(key) else { return nil }
        if case .string(let text) = node.value, let rate = RateLimit(parsing: text) { return rate }
        reader.invalid(key, node, "a number of invocations in a second, minute or hour", hint: "write \(key): 10/s")
        return nil
    }

    /// A number of bytes, or a text with a unit: `64 MB`.
    private static func byteCount(_ key: String, _ reader: inout MappingReader) -> Int64? {
        guard let node = reader.node(key) else { return nil }
        let units: [String: Int64] = [
            "": 1, "B": 1, "kB": 1000, "KB": 1000, "MB": 1_000_000, "GB": 1_000_000_000, "KiB": 1 << 10,
            "MiB": 1 << 20, "GiB": 1 << 30,
        ]
        let text = node.text
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }
        if let number = Int64(digits), let scale = units[String(unit)], number > 0, number < Int64.max / scale {
            return number * scale
        }
        reader.invalid(key, node, "a number of bytes above zero", hint: "write \(key): 64 MB")
        return nil
    }

    private static func breaker(_ mapping: MappingReader) -> DeliveryOptions.Breaker? {
        var reader = mapping
        let failures = reader.integer("failures", in: 1...1000)
        if !reader.has("failures") { reader.missing("failures", hint: "write failures: 5, say") }
        var breaker = DeliveryOptions.Breaker(failures: failures ?? 1)
        breaker.windowSeconds =
            reader.number("windowInSeconds", in: 0.001...86400, unit: "seconds") ?? breaker.windowSeconds
        breaker.retryAfterSeconds =
            reader.number("retryAfterInSeconds", in: 0.001...86400, unit: "seconds") ?? breaker.retryAfterSeconds
        reader.finish(instead: ["window": "windowInSeconds", "retryAfter": "retryAfterInSeconds"])
        return failures == nil ? nil : breaker
    }
}
