import CZlib

/// The members of a ZIP archive, one after the other in the order of its directory: each is a text of its own.
///
/// `read(into:)` gives the bytes of the present member and 0 at its end; `nextMember()` goes on. Sizes and checksums of
/// the directory are checked.
final class ZipSource: ByteSource {
    private let file: any RandomAccessSource
    private let directory: ZipDirectory
    private let encoding: TextEncoding
    private var text: (any ByteSource)?
    /// The present member.
    private(set) var memberName: String?

    /// - Parameter encoding: of the texts of the members.
    init(_ file: any RandomAccessSource, size: Int64, encoding: TextEncoding) throws(ColumnarError) {
        self.file = file
        self.encoding = encoding
        directory = try ZipDirectory(file, size: size)
    }

    /// Goes to the next member that holds records; false after the last.
    /// - Throws: `Unsupported` for encrypted members and methods other than stored, deflate and Zstandard;
    ///   `CorruptFile`; `NotText` for the archives that office documents are.
    func nextMember() throws(ColumnarError) -> Bool {
        text = nil
        memberName = nil
        while let member = try directory.next() {
            if member.isIgnored { continue }
            memberName = member.name
            if member.name == "[Content_Types].xml" || member.name == "mimetype" {
                throw ColumnarError(
                    .notText,
                    "This is an office document (such as an Excel workbook), not an archive of text files. Save the sheet "
                        + "as CSV.", byteOffset: member.offset, member: member.name)
            }
            do throws(ColumnarError) {
                text = try InputSource.stream(try open(member), encoding: encoding)
            } catch {
                throw error.inMember(member.name)
            }
            return true
        }
        return false
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        try text?.read(into: buffer) ?? 0
    }

    /// Before the first member.
    func rewind() throws(ColumnarError) {
        directory.rewind()
        text = nil
        memberName = nil
    }

    /// The expanded bytes of a member.
    private func open(_ member: ZipMember) throws(ColumnarError) -> any ByteSource {
        guard member.flags & 0x2041 == 0, member.method != 99 else {
            throw ColumnarError(
                .unsupported, "It is encrypted. Unpack the archive with its password, and convert the files.",
                byteOffset: member.offset)
        }
        let header = try ZipRecord(file, at: member.offset, count: 30)
        guard header.u32(0) == 0x0403_4B50 else {
            throw ZipDirectory.corrupt("no member begins where the directory says", at: member.offset)
        }
        let (nameCount, extraCount) = (Int(header.u16(26)), Int(header.u16(28)))
        guard try ZipRecord(file, at: member.offset + 30, count: nameCount).bytes == member.nameBytes else {
            throw ZipDirectory.corrupt("the directory has another name for the member here", at: member.offset)
        }
        let start = member.offset + 30 + Int64(nameCount + extraCount)
        guard start <= directory.start, member.compressedSize <= UInt64(directory.start - start) else {
            throw ZipDirectory.corrupt("its data would reach into the directory", at: start)
        }
        let range = RangeSource(file, start: start, count: Int64(member.compressedSize))
        let expanded: any ByteSource
        switch member.method {
        case 0: expanded = range
        case 8: expanded = try InflateSource(range, framing: .bare, offset: start)
        case 93: expanded = try ZstdSource(range, offset: start)
        default:
            let names: [UInt16: String] = [9: "Deflate64", 12: "bzip2", 14: "LZMA", 95: "xz", 98: "PPMd"]
            throw ColumnarError(
                .unsupported,
                "It is compressed with \(names[member.method] ?? "method \(member.method)"); stored, deflate and Zstandard "
                    + "can be read. Make the archive again: zip -r.", byteOffset: member.offset)
        }
        return ChecksummedSource(expanded, member, offset: start)
    }
}

extension ColumnarError {
    /// The same error, naming the file of the archive.
    func inMember(_ name: String) -> ColumnarError {
        guard member == nil else { return self }
        var error = self
        error.member = name
        error.message = "In the member \(name): \(message)"
        return error
    }
}

/// Some bytes of a file.
private final class RangeSource: ByteSource {
    private let file: any RandomAccessSource
    private let start: Int64
    private let count: Int64
    private var position: Int64 = 0

    init(_ file: any RandomAccessSource, start: Int64, count: Int64) {
        (self.file, self.start, self.count) = (file, start, count)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        let room = Int(min(Int64(buffer.count), count - position))
        guard room > 0 else { return 0 }
        let read = try file.read(
            into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<room]), at: start + position)
        position += Int64(read)
        return read
    }

    func rewind() throws(ColumnarError) { position = 0 }
}

/// Checks what a member expands to against the size and CRC-32 of the directory.
private final class ChecksummedSource: ByteSource {
    private let base: any ByteSource
    private let member: ZipMember
    private let offset: Int64
    private var count: UInt64 = 0
    private var checksum: UInt = 0

    init(_ base: any ByteSource, _ member: ZipMember, offset: Int64) {
        (self.base, self.member, self.offset) = (base, member, offset)
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws(ColumnarError) -> Int {
        let read = try base.read(into: buffer)
        guard read > 0 || buffer.isEmpty else {
            guard count == member.size else {
                throw ZipDirectory.corrupt("\(count) bytes come out of it where \(member.size) should", at: offset)
            }
            guard UInt32(truncatingIfNeeded: checksum) == member.checksum else {
                throw ZipDirectory.corrupt("the checksum (CRC-32) of what comes out of it is wrong", at: offset)
            }
            return 0
        }
        count += UInt64(read)
        guard count <= member.size else {
            throw ZipDirectory.corrupt("more comes out of it than the \(member.size) bytes it should hold", at: offset)
        }
        checksum = crc32_z(checksum, buffer.assumingMemoryBound(to: UInt8.self).baseAddress, read)
        return read
    }

    func rewind() throws(ColumnarError) {
        try base.rewind()
        (count, checksum) = (0, 0)
    }
}
