import Glibc

/// Names for the addresses of a crash report, from the symbol tables of the modules it lists. Blocking.
///
/// The report is the worker's word: the files it names may be anything, damaged or changing while they are read, and
/// are read here in the host (`SymbolTable`).
enum Symbolizer {
    /// The most frames that are kept.
    private static let limit = 48

    static func backtrace(of report: CrashReport) -> [String] {
        // After the first, a frame is a return address: the call is the instruction before it.
        let frames = report.frames.prefix(limit).enumerated().map { $0.offset == 0 ? $0.element : $0.element &- 1 }
        var names: [UInt64: (name: String, offset: UInt64)] = [:]
        // One module a frame: however many the report lists, no more files than frames are read.
        let modules = Set(
            frames.compactMap { address in report.modules.first { $0.low <= address && address < $0.high } })
        for module in modules {
            let inside = frames.filter { module.low <= $0 && $0 < module.high }
            for (address, symbol) in SymbolTable(path: module.path, addresses: inside.map { $0 &- module.base }).found {
                names[address &+ module.base] = symbol
            }
        }
        let shown = frames.map { address in
            guard let module = report.modules.first(where: { $0.low <= address && address < $0.high }) else {
                return "0x" + String(address, radix: 16)
            }
            let file = module.path.split(separator: "/").last.map(String.init) ?? module.path
            guard let symbol = names[address] else {
                return "0x\(String(address &- module.base, radix: 16)) in \(file)"
            }
            return "\(FrameName.plain(demangle(symbol.name))) + \(symbol.offset) in \(file)"
        }
        return FrameName.relevant(shown)
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
