/// Tells binary files and foreign encodings from text by their first bytes.
enum TextDetection {
    /// - Throws: `NotText`, saying what the file seems to be and what to do.
    static func check(_ bytes: UnsafeBufferPointer<UInt8>) throws(ColumnarError) {
        for (magic, what) in signatures where bytes.count >= magic.count && zip(magic, bytes).allSatisfy(==) {
            throw ColumnarError(.notText, "This is no CSV text: it begins like \(what).", byteOffset: 0)
        }
        guard let zero = bytes.firstIndex(of: 0) else { return }
        // Text in UTF-16 has a zero in every other byte.
        let pairs = min(bytes.count / 2, 64)
        let odd = (0..<pairs).count { bytes[2 * $0 + 1] == 0 }
        let even = (0..<pairs).count { bytes[2 * $0] == 0 }
        if pairs > 1, odd > pairs * 3 / 4 || even > pairs * 3 / 4 {
            throw ColumnarError(
                .notText, "This seems to be UTF-16 text. Convert it first: iconv -f UTF-16 -t UTF-8.", byteOffset: 0)
        }
        throw ColumnarError(
            .notText, "This is no CSV text but a binary file: byte \(zero) is zero.", byteOffset: Int64(zero))
    }

    private static let signatures: [([UInt8], String)] = [
        ([0xFF, 0xFE], "UTF-16 text; convert it first: iconv -f UTF-16 -t UTF-8"),
        ([0xFE, 0xFF], "UTF-16 text; convert it first: iconv -f UTF-16 -t UTF-8"),
        ([0x1F, 0x8B], "a gzip archive; decompress it first"),
        ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive or an Excel workbook; unpack it, or save the sheet as CSV"),
        ([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook; save the sheet as CSV"),
        ([0x42, 0x5A, 0x68], "a bzip2 archive; decompress it first"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz archive; decompress it first"),
        ([0x25, 0x50, 0x44, 0x46], "a PDF document"),
        ([0x50, 0x41, 0x52, 0x31], "a Parquet file; it needs no conversion"),
        ([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
        ([0x7F, 0x45, 0x4C, 0x46], "a program"),
    ]
}
