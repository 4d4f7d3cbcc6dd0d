/// Tells binary files and foreign encodings from text by their first bytes.
enum TextDetection {
    /// - Throws: `NotText`, saying what the file seems to be and what to do.
    static func check(_ bytes: UnsafeBufferPointer<UInt8>) throws(ColumnarError) {
        // `PAR1,PAR2` may also be the header of a table: what binary files have and texts have not tells them apart.
        lazy var hasControls = bytes.contains { $0 < 0x20 && !(9...13).contains($0) }
        for (magic, what) in signatures where bytes.count >= magic.count && zip(magic, bytes).allSatisfy(==) {
            if magic.allSatisfy({ (0x20...0x7E).contains($0) }), !hasControls { continue }
            throw ColumnarError(.notText, "This is no text: it begins like \(what).", byteOffset: 0)
        }
        guard let zero = bytes.firstIndex(of: 0) else { return try checkControls(bytes) }
        throw ColumnarError(
            .notText,
            "This is no text but a binary file: byte \(zero) is zero. If it is UTF-16 text, set the encoding to utf-16le "
                + "(Windows) or utf-16be.", byteOffset: Int64(zero))
    }

    /// Some control character may part fields (0x01, 0x1F), but no text has many different ones.
    private static func checkControls(_ bytes: UnsafeBufferPointer<UInt8>) throws(ColumnarError) {
        var (seen, count): (UInt32, Int) = (0, 0)
        for byte in bytes where byte < 0x20 && !(9...13).contains(byte) {
            seen |= 1 << UInt32(byte)
            count += 1
        }
        // One record with a binary value makes no binary file. What is cut off at the end is no fault.
        guard seen.nonzeroBitCount >= 8, count * 25 > bytes.count, let start = bytes.baseAddress,
            let invalid = UTF8Validation.firstInvalid(start, from: 0, to: bytes.count), invalid + 3 < bytes.count
        else { return }
        throw ColumnarError(
            .notText,
            "This is no text but a binary file, or an encrypted one: it has \(seen.nonzeroBitCount) different control "
                + "characters, and bytes that are no UTF-8.", byteOffset: 0)
    }

    private static let signatures: [([UInt8], String)] = [
        ([0x1F, 0x8B], "gzip within other compression; decompress it first"),
        ([0x28, 0xB5, 0x2F, 0xFD], "Zstandard within other compression; decompress it first"),
        ([0x50, 0x4B, 0x03, 0x04], "a ZIP archive within other compression; unpack it first"),
        ([0xD0, 0xCF, 0x11, 0xE0], "an old Excel workbook; save the sheet as CSV"),
        ([0x42, 0x5A, 0x68], "a bzip2 archive; decompress it first"),
        ([0xFD, 0x37, 0x7A, 0x58, 0x5A], "an xz archive; decompress it first"),
        ([0x25, 0x50, 0x44, 0x46], "a PDF document"),
        ([0x50, 0x41, 0x52, 0x31], "a Parquet file; it needs no conversion"),
        ([0x89, 0x50, 0x4E, 0x47], "a PNG image"),
        ([0x7F, 0x45, 0x4C, 0x46], "a program"),
    ]
}
