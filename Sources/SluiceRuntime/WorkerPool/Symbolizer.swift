import CLinux
import Glibc

/// Names for the addresses of a crash report, from the symbol tables of the modules it lists. Blocking.
enum Symbolizer {
    static func backtrace(of report: CrashReport) -> [String] {
        let modules = report.modules.sorted { $0.base < $1.base }
        var tables: [String: SymbolTable] = [:]
        return report.frames.prefix(48).map { address in
            guard let module = modules.last(where: { $0.base <= address }) else { return "0x" + String(address, radix: 16) }
            let table = tables[module.path] ?? SymbolTable(path: module.path)
            tables[module.path] = table
            let offset = address - module.base
            let file = module.path.split(separator: "/").last.map(String.init) ?? module.path
            guard let symbol = table.name(at: offset) else { return "0x\(String(offset, radix: 16)) in \(file)" }
            return "\(demangle(symbol.name)) + \(symbol.offset) in \(file)"
        }
    }

    /// Swift's own demangler, part of the runtime (include/swift/Demangling/Demangle.h: `swift_demangle`).
    private static func demangle(_ name: String) -> String {
        guard name.hasPrefix("$s") || name.hasPrefix("$S") else { return name }
        return name.withCString { text in
            guard let result = swiftDemangle(text, UInt(strlen(text)), nil, nil, 0) else { return name }
            defer { free(result) }
            return String(cString: result)
        }
    }
}

@_silgen_name("swift_demangle")
private func swiftDemangle(
    _ name: UnsafePointer<CChar>?, _ count: UInt, _ buffer: UnsafeMutablePointer<CChar>?,
    _ bufferSize: UnsafeMutablePointer<UInt>?, _ flags: UInt32
) -> UnsafeMutablePointer<CChar>?

/// The function symbols of an ELF64 file (System V ABI, chapter 4: section headers, symbol tables), by address.
struct SymbolTable {
    private var symbols: [(address: UInt64, size: UInt64, name: String)] = []

    /// An unreadable or foreign file gives an empty table.
    init(path: String) {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0, status.st_size > 64, status.st_size < 1 << 30 else { return }
        let size = Int(status.st_size)
        guard let memory = mmap(nil, size, PROT_READ, MAP_PRIVATE, file, 0), memory != MAP_FAILED else { return }
        defer { munmap(memory, size) }
        read(UnsafeRawBufferPointer(start: memory, count: size))
    }

    func name(at address: UInt64) -> (name: String, offset: UInt64)? {
        var low = 0
        var high = symbols.count
        while low < high {
            let middle = (low + high) / 2
            if symbols[middle].address <= address { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return nil }
        let symbol = symbols[low - 1]
        guard symbol.size == 0 || address < symbol.address + symbol.size else { return nil }
        return (symbol.name, address - symbol.address)
    }

    private mutating func read(_ elf: UnsafeRawBufferPointer) {
        func load<T: FixedWidthInteger>(_ offset: Int, as type: T.Type) -> T? {
            guard offset >= 0, offset + MemoryLayout<T>.size <= elf.count else { return nil }
            return T(littleEndian: elf.loadUnaligned(fromByteOffset: offset, as: type))
        }
        guard load(0, as: UInt32.self) == 0x464c_457f, load(4, as: UInt8.self) == 2,
            let table = load(40, as: UInt64.self), let entry = load(58, as: UInt16.self),
            let count = load(60, as: UInt16.self), let start = Int(exactly: table)
        else { return }
        func section(_ index: Int) -> (type: UInt32, offset: Int, size: Int, link: Int)? {
            let at = start + index * Int(entry)
            guard let type = load(at + 4, as: UInt32.self), let offset = load(at + 24, as: UInt64.self),
                let size = load(at + 32, as: UInt64.self), let link = load(at + 40, as: UInt32.self),
                let from = Int(exactly: offset), let bytes = Int(exactly: size), from <= elf.count,
                bytes <= elf.count - from
            else { return nil }
            return (type, from, bytes, Int(link))
        }
        // 2: the full table, 11: the dynamic one, which a stripped file still has.
        for wanted: UInt32 in [2, 11] where symbols.isEmpty {
            for index in 0..<Int(count) {
                guard let table = section(index), table.type == wanted, let names = section(table.link) else { continue }
                for at in stride(from: table.offset, to: table.offset + table.size - 23, by: 24) {
                    // Functions that are defined here.
                    guard let info = load(at + 4, as: UInt8.self), info & 15 == 2,
                        let home = load(at + 6, as: UInt16.self), home != 0, let address = load(at + 8, as: UInt64.self),
                        let size = load(at + 16, as: UInt64.self), let name = load(at, as: UInt32.self)
                    else { continue }
                    let from = names.offset + Int(name)
                    guard from < names.offset + names.size else { continue }
                    let text = elf[from..<(names.offset + names.size)].prefix { $0 != 0 }
                    symbols.append((address, size, String(decoding: text, as: UTF8.self)))
                }
            }
        }
        symbols.sort { $0.address < $1.address }
    }
}
