package import Columnar

/// A CSV or Parquet file as rows of texts.
package struct TableFile: Sendable {
    /// The kinds of files whose rows can be compared.
    package enum Format: String, Sendable, CaseIterable {
        case csv, parquet
    }

    package let path: String
    package let format: Format
    /// Names and types in the file's order; the types of a CSV file are not known.
    package let columns: [(name: String, type: String)]

    /// Opens the file; without a format by its first bytes. Throws what Columnar throws for a damaged file.
    package init(_ path: String, format: Format? = nil) throws(ColumnarError) {
        self.path = path
        do throws(ColumnarError) {
            let kind: Format
            if let format { kind = format } else { kind = try Self.format(of: path) }
            self.format = kind
            switch kind {
            case .csv:
                let reader = try CSVReader(FileSource(path: path))
                columns = reader.columns.map { ($0.name, Self.textType) }
            case .parquet:
                let file = try ParquetFile(try ParquetFileInput(path: path))
                columns = file.schema.fields.map { ($0.name, $0.typeName) }
            }
        } catch {
            throw Self.naming(path, error)
        }
    }

    /// Of two files it must be told which one is meant.
    private static func naming(_ path: String, _ error: ColumnarError) -> ColumnarError {
        guard !error.message.contains(path) else { return error }
        var named = error
        named.message = "\(path): \(error.message)"
        return named
    }

    /// The type of all columns of a CSV file.
    static let textType = "text"

    private static func format(of path: String) throws(ColumnarError) -> Format {
        let file = try ParquetFileInput(path: path)
        guard file.size >= 4 else { return .csv }
        return try file.read(at: 0, count: 4).elementsEqual("PAR1".utf8) ? .parquet : .csv
    }

    /// Calls `body` with each row, in order, in bounded memory; it says whether to go on.
    package func forEachRow(_ body: (borrowing TableRow) throws(ColumnarError) -> Bool) throws(ColumnarError) {
        do throws(ColumnarError) {
            try read(body)
        } catch {
            throw Self.naming(path, error)
        }
    }

    private func read(_ body: (borrowing TableRow) throws(ColumnarError) -> Bool) throws(ColumnarError) {
        switch format {
        case .parquet:
            var rows = try ParquetFile(try ParquetFileInput(path: path)).rows()
            while let values = try rows.next() {
                guard try body(TableRow(values)) else { return }
            }
        case .csv:
            let reader = try CSVReader(FileSource(path: path))
            var isOver = false
            try reader.forEachRecord { (record) throws(ColumnarError) in
                // The reader has no way to stop: what is left is passed over.
                if !isOver { isOver = try !body(TableRow(record)) }
            }
        }
    }
}

/// One row, while it is read.
package struct TableRow: ~Copyable {
    private enum Values {
        case record(CSVRecord)
        case values([ParquetValue])
    }

    private let values: Values

    init(_ record: CSVRecord) { values = .record(record) }
    init(_ row: [ParquetValue]) { values = .values(row) }

    /// The text of a field; nil for null.
    package func text(_ column: Int) -> String? {
        switch values {
        case .record(let record): record.string(column)
        case .values(let row): row[column] == .null ? nil : row[column].description
        }
    }

    /// Adds a field to a hash; null is not the empty text.
    func hash(_ column: Int, as likeness: Likeness, into hash: inout RowHash) {
        switch values {
        case .record(let record):
            if record.isNull(column) { return hash.addNull() }
            guard likeness != .text else { return hash.add(record.bytes(column)) }
            var text = likeness.canonical(String(decoding: record.bytes(column), as: UTF8.self))
            text.withUTF8 { hash.add(UnsafeRawBufferPointer($0)) }
        case .values(let row):
            guard row[column] != .null else { return hash.addNull() }
            var text = likeness.canonical(row[column].description)
            text.withUTF8 { hash.add(UnsafeRawBufferPointer($0)) }
        }
    }

    func isNull(_ column: Int) -> Bool {
        switch values {
        case .record(let record): record.isNull(column)
        case .values(let row): row[column] == .null
        }
    }
}

/// 128 bits of a row: what tells rows apart without keeping them. Not for inputs that somebody has made to collide.
struct RowHash: Hashable {
    private(set) var high: UInt64 = 0x9E37_79B9_7F4A_7C15
    private(set) var low: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    /// One step of MurmurHash3's 128-bit mixing (Austin Appleby, public domain).
    private mutating func mix(_ word: UInt64) {
        let one = (word &* 0x87C3_7B91_1142_53D5)
        high ^= (one << 31 | one >> 33) &* 0x4CF5_AD43_2745_937F
        high = ((high << 27 | high >> 37) &+ low) &* 5 &+ 0x52DC_E729
        let two = (word &* 0x4CF5_AD43_2745_937F)
        low ^= (two << 33 | two >> 31) &* 0x87C3_7B91_1142_53D5
        low = ((low << 31 | low >> 33) &+ high) &* 5 &+ 0x3849_5AB5
    }

    mutating func addNull() { mix(UInt64.max) }

    mutating func add(_ bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset + 8 <= bytes.count {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var rest: UInt64 = 0
        for (place, byte) in bytes[offset...].enumerated() { rest |= UInt64(byte) << (8 * UInt64(place)) }
        mix(rest)
        mix(UInt64(bytes.count))
    }

    /// With the bits spread: after the last field.
    func finished() -> RowHash {
        func spread(_ value: UInt64) -> UInt64 {
            var value = (value ^ value >> 33) &* 0xFF51_AFD7_ED55_8CCD
            value = (value ^ value >> 33) &* 0xC4CE_B9FE_1A85_EC53
            return value ^ value >> 33
        }
        var result = self
        result.high = spread(high &+ low)
        result.low = spread(low &+ result.high)
        return result
    }
}
