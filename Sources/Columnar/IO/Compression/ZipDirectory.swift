/// A file in a ZIP archive, as the archive's directory has it.
struct ZipMember: Sendable, Hashable {
    var name: String
    /// As stored, to compare with the name before the data.
    var nameBytes: [UInt8]
    /// General purpose flags; bit 0: encrypted.
    var flags: UInt16
    /// 0: stored, 8: deflate, 93: Zstandard.
    var method: UInt16
    var checksum: UInt32
    var compressedSize: UInt64
    var size: UInt64
    /// Of the member's header, from the beginning of the file.
    var offset: Int64

    /// Folders, and what the macOS Finder adds, hold no records.
    var isIgnored: Bool {
        name.hasSuffix("/") || name.hasPrefix("__MACOSX/") || name == ".DS_Store" || name.hasSuffix("/.DS_Store")
    }
}

/// The central directory of a ZIP archive (PKWARE APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16), read entry by entry:
/// memory does not grow with the number of members.
final class ZipDirectory {
    private let file: any RandomAccessSource
    /// Where the entries lie in the file.
    let start: Int64
    private let end: Int64
    private var position: Int64

    /// Finds the directory.
    /// - Parameter size: of the file.
    /// - Throws: `CorruptFile` where there is none (the archive is cut off), `Unsupported` for archives of several
    ///   files.
    init(_ file: any RandomAccessSource, size: Int64) throws(ColumnarError) {
        self.file = file
        let trailer = try Self.findTrailer(file, size: size)
        var entries = trailer.record
        var directoryEnd = trailer.offset
        var (length, offset) = (UInt64(entries.u32(12)), UInt64(entries.u32(16)))
        if entries.u16(4) == 0xFFFF || entries.u16(10) == 0xFFFF || length == 0xFFFF_FFFF || offset == 0xFFFF_FFFF {
            // ZIP64: a locator before the trailer says where the larger trailer is.
            let locator = try ZipRecord(file, at: trailer.offset - 20, count: 20)
            guard locator.u32(0) == 0x0706_4B50 else {
                throw Self.corrupt("the ZIP64 locator is missing", at: trailer.offset - 20)
            }
            directoryEnd = min(trailer.offset - 20 - 56, Int64(clamping: locator.u64(8)))
            let found = try ZipRecord(file, at: directoryEnd, count: 56)
            guard found.u32(0) == 0x0606_4B50 else {
                throw Self.corrupt("the ZIP64 directory record is missing", at: directoryEnd)
            }
            guard found.u32(16) == 0, found.u32(20) == 0 else { throw Self.severalFiles(at: directoryEnd) }
            entries = found
            (length, offset) = (found.u64(40), found.u64(48))
        } else {
            guard entries.u16(4) == 0, entries.u16(6) == 0 else { throw Self.severalFiles(at: trailer.offset) }
        }
        guard length <= UInt64(directoryEnd), offset == UInt64(directoryEnd) - length else {
            throw Self.corrupt("its directory does not lie where its end says", at: trailer.offset)
        }
        start = Int64(offset)
        end = directoryEnd
        position = start
    }

    /// The next member in the order of the directory; nil after the last.
    func next() throws(ColumnarError) -> ZipMember? {
        guard position < end else { return nil }
        let entry = try ZipRecord(file, at: position, count: 46)
        guard entry.u32(0) == 0x0201_4B50 else { throw Self.corrupt("a directory entry is damaged", at: position) }
        let (nameCount, extraCount, commentCount) = (Int(entry.u16(28)), Int(entry.u16(30)), Int(entry.u16(32)))
        let variable = try ZipRecord(file, at: position + 46, count: nameCount + extraCount)
        let nameBytes = Array(variable.bytes[..<nameCount])
        var member = ZipMember(
            name: Self.text(nameBytes), nameBytes: nameBytes, flags: entry.u16(8), method: entry.u16(10),
            checksum: entry.u32(16), compressedSize: UInt64(entry.u32(20)), size: UInt64(entry.u32(24)), offset: 0)
        var offset = UInt64(entry.u32(42))
        try Self.applyZip64(
            variable, from: nameCount, &member.size, &member.compressedSize, &offset, at: position)
        guard offset < UInt64(start) else {
            throw Self.corrupt("the directory says that \(member.name) lies outside of the file", at: position)
        }
        member.offset = Int64(offset)
        position += Int64(46 + nameCount + extraCount + commentCount)
        return member
    }

    func rewind() { position = start }

    /// Takes the values that do not fit 32 bits from the extra field 0x0001.
    private static func applyZip64(
        _ record: ZipRecord, from start: Int, _ size: inout UInt64, _ compressedSize: inout UInt64,
        _ offset: inout UInt64, at place: Int64
    ) throws(ColumnarError) {
        let needed = [size, compressedSize, offset].count { $0 == 0xFFFF_FFFF }
        guard needed > 0 else { return }
        var position = start
        while position + 4 <= record.bytes.count {
            let (id, count) = (record.u16(position), Int(record.u16(position + 2)))
            position += 4
            guard position + count <= record.bytes.count else { break }
            guard id == 1 else {
                position += count
                continue
            }
            guard count >= 8 * needed else { break }
            func take(_ value: inout UInt64) {
                guard value == 0xFFFF_FFFF else { return }
                value = record.u64(position)
                position += 8
            }
            take(&size)
            take(&compressedSize)
            take(&offset)
            return
        }
        throw corrupt("a ZIP64 extra field is missing or too short", at: place)
    }

    /// The end-of-directory record: in the last 22 bytes, or before a comment of up to 65,535 bytes.
    private static func findTrailer(
        _ file: any RandomAccessSource, size: Int64
    ) throws(ColumnarError) -> (record: ZipRecord, offset: Int64) {
        let count = Int(min(size, 22 + 65_535))
        let tail = try ZipRecord(file, at: size - Int64(count), count: count)
        var position = count - 22
        while position >= 0 {
            if tail.bytes[position] == 0x50, tail.u32(position) == 0x0605_4B50,
                position + 22 + Int(tail.u16(position + 20)) == count
            {
                return (
                    ZipRecord(bytes: Array(tail.bytes[position..<position + 22])), size - Int64(count - position)
                )
            }
            position -= 1
        }
        throw ColumnarError(
            .corruptFile,
            "The ZIP archive is cut off: it has no directory at its end (byte \(size)). Copy the file again.",
            byteOffset: size)
    }

    static func corrupt(_ reason: String, at offset: Int64) -> ColumnarError {
        ColumnarError(
            .corruptFile, "The ZIP archive is damaged at byte \(offset): \(reason). Copy or make the file again.",
            byteOffset: offset)
    }

    private static func severalFiles(at offset: Int64) -> ColumnarError {
        ColumnarError(
            .unsupported, "This is a ZIP archive in several files. Join them first: zip -s 0.", byteOffset: offset)
    }

    /// UTF-8, which has a flag of its own but is common without; else as Latin-1, for messages.
    private static func text(_ bytes: [UInt8]) -> String {
        String(validating: bytes, as: UTF8.self) ?? String(String.UnicodeScalarView(bytes.map { Unicode.Scalar($0) }))
    }
}

/// Some bytes of an archive, with its numbers, which are little-endian.
struct ZipRecord {
    let bytes: [UInt8]

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads exactly `count` bytes.
    /// - Throws: `CorruptFile` where the file has fewer.
    init(_ file: any RandomAccessSource, at offset: Int64, count: Int) throws(ColumnarError) {
        guard offset >= 0 else { throw ZipDirectory.corrupt("a record would lie before the file", at: 0) }
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let read = try bytes.withUnsafeMutableBufferPointer { buffer throws(ColumnarError) in
                let room = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                return try file.read(into: UnsafeMutableRawBufferPointer(room), at: offset + Int64(filled))
            }
            guard read > 0 else {
                throw ZipDirectory.corrupt("it ends within a record of \(count) bytes", at: offset + Int64(filled))
            }
            filled += read
        }
        self.bytes = bytes
    }

    func u16(_ offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
    func u32(_ offset: Int) -> UInt32 { UInt32(u16(offset)) | UInt32(u16(offset + 2)) << 16 }
    func u64(_ offset: Int) -> UInt64 { UInt64(u32(offset)) | UInt64(u32(offset + 4)) << 32 }
}
