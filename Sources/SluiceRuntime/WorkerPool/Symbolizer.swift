import CLinux
import Glibc

/// Names for the addresses of a crash report, from the symbol tables of the modules it lists. Blocking.
enum Symbolizer {
    /// The most frames that are kept.
    private static let limit = 48

    static func backtrace(of report: CrashReport) -> [String] {
        // After the first, a frame is a return address: the call is the instruction before it.
        let frames = report.frames.prefix(limit).enumerated().map { $0.offset == 0 ? $0.element : $0.element &- 1 }
        var names: [UInt64: (name: String, offset: UInt64)] = [:]
        for module in Set(report.modules) {
            let inside = frames.filter { module.low <= $0 && $0 < module.high }
            if inside.isEmpty { continue }
            for (address, symbol) in SymbolTable(path: module.path, addresses: inside.map { $0 &- module.base }).found {
                names[address &+ module.base] = symbol
            }
        }
        return frames.map { address in
            guard let module = report.modules.first(where: { $0.low <= address && address < $0.high }) else {
                return "0x" + String(address, radix: 16)
            }
            let file = module.path.split(separator: "/").last.map(String.init) ?? module.path
            guard let symbol = names[address] else {
                return "0x\(String(address &- module.base, radix: 16)) in \(file)"
            }
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

/// Looks addresses up in the function symbols of an ELF64 file (System V ABI, chapter 4: section headers, symbol
/// tables). One pass over the table; nothing is kept of the symbols that were not asked for.
struct SymbolTable {
    /// What was found, by address as the file counts it.
    private(set) var found: [UInt64: (name: String, offset: UInt64)] = [:]
    private let wanted: [UInt64]

    /// An unreadable or foreign file gives no names.
    init(path: String, addresses: [UInt64]) {
        wanted = addresses
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
        for kind: UInt32 in [2, 11] where found.isEmpty {
            for index in 0..<Int(count) {
                guard let table = section(index), table.type == kind, let names = section(table.link) else { continue }
                for at in stride(from: table.offset, to: table.offset + table.size - 23, by: 24) {
                    // Functions that are defined here.
                    guard let info = load(at + 4, as: UInt8.self), info & 15 == 2,
                        let home = load(at + 6, as: UInt16.self), home != 0,
                        let address = load(at + 8, as: UInt64.self),
                        let size = load(at + 16, as: UInt64.self), let name = load(at, as: UInt32.self)
                    else { continue }
                    let hits = wanted.filter { address <= $0 && $0 - address < max(size, 1) }
                    if hits.isEmpty { continue }
                    let from = names.offset + Int(name)
                    guard from < names.offset + names.size else { continue }
                    let text = elf[from..<(names.offset + names.size)].prefix { $0 != 0 }
                    for hit in hits { found[hit] = (String(decoding: text, as: UTF8.self), hit - address) }
                }
            }
        }
    }
}
