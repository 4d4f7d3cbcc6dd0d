package import CFunctionABI

/// A frame as it came.
package struct Frame: Sendable {
    package var header: sluice_frame
    package var body: [UInt8]
    package var descriptors: [Int32]
}

/// Cuts a byte stream into frames; pure. Descriptors belong to the frame that says it has some, in order of arrival.
package struct FrameReader: Sendable {
    private var buffer: [UInt8] = []
    private var start = 0
    private var descriptors: [Int32] = []

    /// A frame longer than the protocol allows, without the descriptor it announces, or descriptors that none
    /// announces.
    package struct Malformed: Error {}

    package init() {}

    package mutating func feed(_ bytes: UnsafeRawBufferPointer, descriptors new: [Int32]) {
        buffer.append(contentsOf: bytes)
        descriptors += new
    }

    package mutating func next() throws(Malformed) -> Frame? {
        let size = MemoryLayout<sluice_frame>.size
        guard buffer.count - start >= size else {
            compact()
            try checkDescriptors()
            return nil
        }
        let header = buffer.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: start, as: sluice_frame.self) }
        guard header.length <= UInt32(SLUICE_WIRE_MAX_BODY) else { throw Malformed() }
        let end = start + size + Int(header.length)
        guard buffer.count >= end else {
            compact()
            try checkDescriptors()
            return nil
        }
        var frame = Frame(header: header, body: Array(buffer[(start + size)..<end]), descriptors: [])
        if UInt32(header.flags) & SLUICE_FRAME_HAS_FD != 0 {
            // Towards the host every such frame has exactly one.
            guard !descriptors.isEmpty else { throw Malformed() }
            frame.descriptors = [descriptors.removeFirst()]
        }
        start = end
        return frame
    }

    /// What came for frames that never did.
    package mutating func takeDescriptors() -> [Int32] {
        defer { descriptors = [] }
        return descriptors
    }

    /// Every whole frame has been taken: what is left belongs to the one that is coming. More would collect until the
    /// host has no descriptor left.
    private func checkDescriptors() throws(Malformed) {
        guard descriptors.count <= (buffer.isEmpty ? 0 : 1) else { throw Malformed() }
    }

    private mutating func compact() {
        guard start > 0 else { return }
        buffer.removeFirst(start)
        start = 0
    }
}

extension Frame {
    /// A frame's bytes: header and body.
    package static func bytes(
        type: UInt32, id: UInt64 = 0, code: UInt32 = 0, sequence: UInt32 = 0, body: [UInt8] = [],
        hasDescriptors: Bool = false
    ) -> [UInt8] {
        var bytes = head(
            type: type, id: id, code: code, sequence: sequence, bodyCount: body.count, hasDescriptors: hasDescriptors)
        bytes.append(contentsOf: body)
        return bytes
    }

    /// The header of a frame, with room for the body that is to be appended.
    static func head(
        type: UInt32, id: UInt64, code: UInt32, sequence: UInt32 = 0, bodyCount: Int, hasDescriptors: Bool = false
    ) -> [UInt8] {
        let header = sluice_frame(
            length: UInt32(bodyCount), type: UInt16(type), flags: hasDescriptors ? UInt16(SLUICE_FRAME_HAS_FD) : 0,
            id: id, code: code, sequence: sequence)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(MemoryLayout<sluice_frame>.size + bodyCount)
        withUnsafeBytes(of: header) { bytes.append(contentsOf: $0) }
        return bytes
    }
}
