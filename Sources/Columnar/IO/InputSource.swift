/// What stands between a file and a reader of records: decompression, then decoding into UTF-8.
///
/// Both go by the content, never by the name of the file.
enum InputSource {
    /// Enough to tell UTF-16 without a byte order mark from binary data.
    private static let headCount = 4096

    /// The text of `source` as UTF-8. An archive becomes a `ZipSource`, whose members follow each other.
    static func text(of source: any ByteSource, encoding: TextEncoding) throws(ColumnarError) -> any ByteSource {
        if let file = source as? any RandomAccessSource, let size = file.byteCount, size >= 4 {
            if Compression(try head(of: file)) == .zip { return try ZipSource(file, size: size, encoding: encoding) }
        }
        return try stream(source, encoding: encoding)
    }

    /// The text of one stream: of a file, or of a member of an archive.
    static func stream(_ source: any ByteSource, encoding: TextEncoding) throws(ColumnarError) -> any ByteSource {
        let peeked = try PeekedSource(source, count: headCount)
        switch Compression(peeked.head) {
        case .gzip: return try decoded(try PeekedSource(try InflateSource(peeked), count: headCount), encoding)
        case .zstd: return try decoded(try PeekedSource(try ZstdSource(peeked), count: headCount), encoding)
        case .zip:
            throw ColumnarError(
                .unsupported,
                "This is a ZIP archive, which is read from its end: it must be a file, not a pipe, and not lie within "
                    + "another archive. Save or unpack it first.", byteOffset: 0)
        case nil: return try decoded(peeked, encoding)
        }
    }

    private static func decoded(_ source: PeekedSource, _ encoding: TextEncoding) throws(ColumnarError)
        -> any ByteSource
    {
        // A quarantine file is UTF-8, whatever the encoding is of the file that its records come from.
        guard !source.head.starts(with: QuarantineSource.mark.utf8),
            let form = try encoding.form(of: source.head)
        else { return source }
        return TranscodingSource(source, form)
    }

    private static func head(of file: any RandomAccessSource) throws(ColumnarError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4)
        var filled = 0
        while filled < 4 {
            let count = try bytes.withUnsafeMutableBufferPointer { buffer throws(ColumnarError) in
                let room = UnsafeMutableBufferPointer(rebasing: buffer[filled...])
                return try file.read(into: UnsafeMutableRawBufferPointer(room), at: Int64(filled))
            }
            if count == 0 { break }
            filled += count
        }
        return bytes
    }

    /// Compression by the first bytes of a file.
    enum Compression {
        case gzip, zstd, zip

        /// A frame of Zstandard with anything in it, such as an index, may come before those with data.
        private static func isSkippableFrame(_ head: [UInt8]) -> Bool {
            head.count >= 4 && head[0] & 0xF0 == 0x50 && head[1...].starts(with: [0x2A, 0x4D, 0x18])
        }

        init?(_ head: [UInt8]) {
            if head.starts(with: [0x1F, 0x8B, 0x08]) {
                self = .gzip
            } else if head.starts(with: [0x28, 0xB5, 0x2F, 0xFD]) || Self.isSkippableFrame(head) {
                self = .zstd
            } else if head.starts(with: [0x50, 0x4B, 3, 4]) || head.starts(with: [0x50, 0x4B, 5, 6]) {
                // The second one begins an archive without members.
                self = .zip
            } else {
                return nil
            }
        }
    }
}
