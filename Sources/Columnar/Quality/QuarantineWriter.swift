/// Writes bad records as NDJSON. The first line says how the file is written they come from, so that the quarantine
/// file can be fed back (see `QuarantineSource`):
/// `{"sluice":"quarantine","version":1,"header":"id,amount","delimiter":",","quote":"\"","source":"inbox/may.csv"}`;
/// then comes one object a record, in the order of the input:
/// `{"row":3,"line":4,"byteOffset":57,"code":"RuleViolation","column":"amount","reason":"…","raw":"7,-1,DE"}`.
///
/// `raw` is the record as it stands in the input, without its line end; a record that is no UTF-8 has `rawBase64`
/// instead. So a record can be found, corrected and fed back.
public final class QuarantineWriter: RejectedRecords {
    private let sink: any ByteSink
    private let source: String?
    private var layout: RejectedLayout?
    private var buffer: [UInt8] = []
    /// Records written in this pass.
    public private(set) var count: Int64 = 0

    /// - Parameter source: where the records come from, for the first line.
    public init(_ sink: any ByteSink, source: String? = nil) {
        self.sink = sink
        self.source = source
    }

    public func beginPass() throws(ColumnarError) {
        buffer.removeAll(keepingCapacity: true)
        count = 0
        try sink.reset()
    }

    public func describe(_ layout: RejectedLayout) throws(ColumnarError) {
        self.layout = layout
    }

    public func receive(_ record: RejectedRecord) throws(ColumnarError) {
        if count == 0, let layout { buffer += firstLine(layout).utf8 }
        count += 1
        var line = "{"
        if let member = record.member { line += "\"member\":" + ParquetValue.string(member).json + "," }
        line += "\"row\":\(record.row),\"line\":\(record.line),\"byteOffset\":\(record.byteOffset)"
        line += ",\"code\":" + ParquetValue.string(record.code.description).json
        if let column = record.column { line += ",\"column\":" + ParquetValue.string(column).json }
        line += ",\"reason\":" + ParquetValue.string(record.reason).json
        if let text = String(validating: record.bytes, as: UTF8.self) {
            line += ",\"raw\":" + ParquetValue.string(text).json
        } else {
            line += ",\"rawBase64\":\"" + Self.base64(record.bytes) + "\""
        }
        buffer += (line + "}\n").utf8
        if buffer.count >= 1 << 20 { try finish() }
    }

    /// Writes what is still held back. Call once at the end.
    public func finish() throws(ColumnarError) {
        let bytes = buffer
        buffer.removeAll(keepingCapacity: true)
        let result = bytes.withUnsafeBytes { raw -> Result<Void, ColumnarError> in
            do throws(ColumnarError) {
                return .success(try sink.write(raw))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    private func firstLine(_ layout: RejectedLayout) -> String {
        func json(_ text: String) -> String { ParquetValue.string(text).json }
        var line = QuarantineSource.mark + ",\"version\":1,\"header\":" + json(layout.header)
        line += ",\"delimiter\":" + json(String(layout.delimiter))
        if let quote = layout.quote { line += ",\"quote\":" + json(String(quote)) }
        if let escape = layout.escape { line += ",\"escape\":" + json(String(escape)) }
        if layout.format != .delimited { line += ",\"format\":" + json(layout.format.rawValue) }
        if let source { line += ",\"source\":" + json(source) }
        return line + "}\n"
    }

    private static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = (0..<3).reduce(UInt32(0)) {
                $0 << 8 | (start + $1 < bytes.count ? UInt32(bytes[start + $1]) : 0)
            }
            let digits = min(3, bytes.count - start) + 1
            for digit in 0..<4 {
                text.append(digit < digits ? alphabet[Int(group >> UInt32(18 - 6 * digit) & 63)] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
