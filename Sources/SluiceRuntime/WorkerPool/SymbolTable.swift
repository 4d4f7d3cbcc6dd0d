import CLinux
import Glibc

/// Looks addresses up in the function symbols of an ELF64 file (System V ABI, chapter 4: section headers, symbol
/// tables). One pass over the table; nothing is kept of the symbols that were not asked for. Blocking.
///
/// The file is not trusted: it is read by `pread` (a map of a file that is cut short ends the process that looks at
/// it), every number in it is checked against the file's size before it is used, and the work it can ask for is
/// bounded.
package struct SymbolTable {
    /// What was found, by address as the file counts it.
    package private(set) var found: [UInt64: (name: String, offset: UInt64)] = [:]

    /// More symbols than the largest real module has.
    private static let maximumSymbols = 4_000_000
    /// The longest name that is read; a longer one is cut off.
    private static let longestName = 4096

    /// An unreadable or foreign file gives no names.
    package init(path: String, addresses: [UInt64]) {
        // Without O_NONBLOCK a named pipe would keep the thread until somebody writes into it.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
        guard file >= 0 else { return }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 64,
            status.st_size < 1 << 30
        else { return }
        read(ELFFile(descriptor: file, size: Int(status.st_size)), addresses)
    }

    private mutating func read(_ elf: ELFFile, _ wanted: [UInt64]) {
        guard let header = elf.bytes(at: 0, count: 64), header.number(0, as: UInt32.self) == 0x464c_457f,
            header[4] == 2, let start = Int(exactly: header.number(40, as: UInt64.self)), start <= elf.size
        else { return }
        let (entry, count) = (Int(header.number(58, as: UInt16.self)), Int(header.number(60, as: UInt16.self)))
        func section(_ index: Int) -> Section? {
            // Both factors have 16 bits, and `start` is within the file.
            elf.bytes(at: start + index * entry, count: 64).flatMap { Section($0, size: elf.size) }
        }
        var left = Self.maximumSymbols
        // 2: the full table, 11: the dynamic one, which a stripped file still has.
        for kind: UInt32 in [2, 11] where found.isEmpty {
            for index in 0..<count {
                guard let table = section(index), table.type == kind, table.link < count,
                    let names = section(table.link)
                else { continue }
                let hits = Self.hits(in: table, of: elf, wanted, left: &left)
                for (address, hit) in hits where hit.name < names.size {
                    let length = min(names.size - hit.name, Self.longestName)
                    guard let text = elf.bytes(at: names.offset + hit.name, count: length) else { continue }
                    found[address] = (String(decoding: text.prefix { $0 != 0 }, as: UTF8.self), hit.offset)
                }
            }
        }
    }

    /// The functions of a symbol table that the addresses lie in: where their names are, and how far in the address is.
    private static func hits(in table: Section, of elf: ELFFile, _ wanted: [UInt64], left: inout Int)
        -> [UInt64: (name: Int, offset: UInt64)]
    {
        var hits: [UInt64: (name: Int, offset: UInt64)] = [:]
        let (symbol, chunk) = (24, 4096)
        var rest = min(table.size / symbol, left)
        left -= rest
        var position = table.offset
        while rest > 0 {
            let count = min(rest, chunk)
            guard let bytes = elf.bytes(at: position, count: count * symbol) else { break }
            for at in stride(from: 0, to: bytes.count, by: symbol) {
                // Functions that are defined here.
                guard bytes[at + 4] & 15 == 2, bytes.number(at + 6, as: UInt16.self) != 0 else { continue }
                let address = bytes.number(at + 8, as: UInt64.self)
                let size = bytes.number(at + 16, as: UInt64.self)
                for hit in wanted where address <= hit && hit - address < max(size, 1) {
                    hits[hit] = (Int(bytes.number(at, as: UInt32.self)), hit - address)
                }
            }
            rest -= count
            position += count * symbol
        }
        return hits
    }
}

/// A section header whose section lies within the file.
private struct Section {
    let type: UInt32
    let offset: Int
    let size: Int
    let link: Int

    init?(_ header: [UInt8], size fileSize: Int) {
        guard let offset = Int(exactly: header.number(24, as: UInt64.self)), offset <= fileSize,
            let size = Int(exactly: header.number(32, as: UInt64.self)), size <= fileSize - offset
        else { return nil }
        type = header.number(4, as: UInt32.self)
        self.offset = offset
        self.size = size
        link = Int(header.number(40, as: UInt32.self))
    }
}

/// An open file of a known size, which may have become shorter since.
private struct ELFFile {
    let descriptor: Int32
    let size: Int

    /// Nil unless all of them are there. `offset` must not be so large that adding to it overflows.
    func bytes(at offset: Int, count: Int) -> [UInt8]? {
        guard offset >= 0, count >= 0, count <= size, offset <= size - count else { return nil }
        var filled = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            while filled < count {
                let read = pread(
                    descriptor, buffer.baseAddress.map { $0 + filled }, count - filled, off_t(offset + filled))
                if read < 0, errno == EINTR { continue }
                guard read > 0 else { break }
                filled += read
            }
            initialized = filled
        }
        return filled == count ? bytes : nil
    }
}

extension [UInt8] {
    /// A little-endian number; the caller knows that its bytes are there.
    fileprivate func number<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T {
        withUnsafeBytes { T(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: type)) }
    }
}
