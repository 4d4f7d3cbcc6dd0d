/// Reads the members of an archive one after the other as if they were one file: they must have the same columns.
///
/// Records are counted through; lines and offsets are those of the member, which errors and rejected records name.
final class MemberReader: RecordReader {
    private let archive: ZipSource
    private let makeReader: (_ member: any ByteSource, _ firstRow: Int64) throws(ColumnarError) -> any RecordReader
    private var reader: (any RecordReader)?
    private var firstMember: String?
    private var isNewMember = false
    private var earlierBytes: Int64 = 0
    private var earlierMembers = 0

    private(set) var columns: [CSVColumn] = []
    private(set) var declaredTypes: [ColumnType?] = []
    private(set) var dialect = CSVDialect()
    private(set) var likelyDelimiter: UInt8?
    private(set) var nextRow: Int64 = 1
    private(set) var resolvedTypes: [ColumnType]?
    private(set) var hasNews = false
    private(set) var unseenColumns: Set<Int> = []
    var bytesRead: Int64 { earlierBytes + (reader?.bytesRead ?? 0) }

    init(
        _ archive: ZipSource,
        makeReader: @escaping (_ member: any ByteSource, _ firstRow: Int64) throws(ColumnarError) -> any RecordReader
    ) {
        self.archive = archive
        self.makeReader = makeReader
    }

    /// - Throws: `EmptyFile` for an archive without files, `HeaderMismatch`, and what reading a member throws.
    func next(into batch: RecordBatch) throws(ColumnarError) -> Bool {
        while !hasNews {
            if reader == nil { try begin() }
            guard let reader, let member = archive.memberName else { return false }
            do throws(ColumnarError) {
                let hasBatch = try reader.next(into: batch)
                if isNewMember { try compare(reader) }
                likelyDelimiter = likelyDelimiter ?? reader.likelyDelimiter
                isNewMember = false
                nextRow = reader.nextRow
                hasNews = reader.hasNews
                if hasBatch {
                    for index in batch.rejected.indices { batch.rejected[index].member = member }
                    batch.member = member
                    return true
                }
            } catch {
                throw error.inMember(member)
            }
            unseenColumns =
                earlierMembers == 0 ? reader.unseenColumns : unseenColumns.intersection(reader.unseenColumns)
            earlierMembers += 1
            earlierBytes += reader.bytesRead
            self.reader = nil
        }
        return false
    }

    private func begin() throws(ColumnarError) {
        guard try archive.nextMember() else {
            guard firstMember != nil else {
                throw ColumnarError(
                    .emptyFile, "The ZIP archive holds no file. Check what writes it.", byteOffset: 0)
            }
            return
        }
        reader = try makeReader(archive, nextRow)
        isNewMember = true
    }

    private func compare(_ reader: any RecordReader) throws(ColumnarError) {
        guard let firstMember else {
            firstMember = archive.memberName
            (columns, declaredTypes, dialect) = (reader.columns, reader.declaredTypes, reader.dialect)
            resolvedTypes = reader.resolvedTypes
            return
        }
        let (before, names) = (columns.map(\.name), reader.columns.map(\.name))
        if before == names, reader.dialect.delimiter == dialect.delimiter || names.count == 1 { return }
        let (missing, added) = (before.filter { !names.contains($0) }, names.filter { !before.contains($0) })
        var differences: [String] = []
        if !missing.isEmpty { differences.append("it lacks \(missing.joined(separator: ", "))") }
        if !added.isEmpty { differences.append("it has \(added.joined(separator: ", ")) besides") }
        if differences.isEmpty {
            let delimiter = Character(Unicode.Scalar(reader.dialect.delimiter))
            differences.append(
                before == names
                    ? "its delimiter is \"\(delimiter)\"" : "their order is \(names.joined(separator: ", "))")
        }
        throw ColumnarError(
            .headerMismatch,
            "its columns are not those of the first member, \(firstMember): \(differences.joined(separator: ", and ")). "
                + "Convert files with different columns one by one.", line: 1,
            column: added.first ?? missing.first)
    }
}
