/// What a handler is given: one JSON text, or a list of such texts as one array. A batch may have megabytes; its events
/// stay where they are until they are written into the frame to the worker.
package struct HandlerPayload: Sendable {
    private let texts: [[UInt8]]
    private let isList: Bool
    package let count: Int

    package init(_ text: [UInt8]) {
        texts = [text]
        isList = false
        count = text.count
    }

    package init(list texts: [[UInt8]]) {
        self.texts = texts
        isList = true
        var count = max(1, texts.count) + 1
        for index in texts.indices { count += texts[index].count }
        self.count = count
    }

    package func append(to bytes: inout [UInt8]) {
        if isList { bytes.append(UInt8(ascii: "[")) }
        for index in texts.indices {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            texts[index].withUnsafeBufferPointer { bytes.append(contentsOf: $0) }
        }
        if isList { bytes.append(UInt8(ascii: "]")) }
    }

    package var bytes: [UInt8] {
        if !isList { return texts.first ?? [] }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        append(to: &bytes)
        return bytes
    }
}
