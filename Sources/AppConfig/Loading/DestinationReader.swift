/// `onSuccess` and `onFailure` of a function or a target.
struct DestinationReader {
    /// Buses that were named, with their places, for the check of references.
    private(set) var buses: [(text: String, place: Place)] = []

    /// The destinations of a function or target.
    mutating func read(_ reader: inout MappingReader) -> Destinations {
        Destinations(onSuccess: bus("onSuccess", &reader), onFailure: bus("onFailure", &reader))
    }

    private mutating func bus(_ key: String, _ reader: inout MappingReader) -> String? {
        guard var inner = reader.reader(key) else { return nil }
        let bus = inner.string("bus")
        if !inner.has("bus") {
            inner.missing("bus", hint: "write \(key): {bus: default}; a rule on that bus can react to the outcome")
        }
        inner.finish(
            later: [
                "function": "name a bus, and in a rule on it the function",
                "stream": "name a bus", "bucket": "name a bus, and a function that puts objects",
            ],
            instead: ["destination": "bus", "eventBus": "bus", "eventBusName": "bus"])
        if let bus { buses.append((bus, inner.place(of: "bus"))) }
        return bus
    }
}
