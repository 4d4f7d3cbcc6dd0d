import Columnar
import FunctionKit

/// How the Parquet files of a table are written.
extension TableLoader.Settings {
    /// Throws `HandlerError` with code `InvalidConfiguration`, naming the setting.
    func apply(to options: inout ParquetWriterOptions) throws {
        do throws(ColumnarError) {
            if let compression { options.compression = try ParquetWriterOptions.Compression(word: compression) }
            try options.addMetadata((metadata ?? [:]).sorted { $0.key < $1.key }.map { (key: $0.key, value: $0.value) })
        } catch {
            throw Self.refusal(error.message)
        }
        switch compatibility ?? "current" {
        case "current": options.compatibility = .current
        case "legacy": options.compatibility = .legacy
        case "newest": options.compatibility = .newest
        default: throw Self.refusal("compatibility is \"\(compatibility ?? "")\"; choose legacy, current or newest")
        }
        for (name, value) in [("rowGroupRows", rowGroupRows), ("rowGroupBytes", rowGroupBytes)] {
            guard value ?? 1 >= 1 else { throw Self.refusal("\(name) must be at least 1; it is \(value ?? 0)") }
        }
        options.rowGroupRows = rowGroupRows ?? options.rowGroupRows
        options.rowGroupBytes = rowGroupBytes ?? options.rowGroupBytes
    }

    private static func refusal(_ message: String) -> HandlerError {
        HandlerError(code: "InvalidConfiguration", message: message, retry: false)
    }
}
