import Glibc

/// What a crash report tells, for people.
struct CrashTrace: Sendable {
    /// Functions with their places in the source, the innermost first.
    var frames: [String] = []
    /// Of a check of Swift's that failed: which, and where (`Index out of range, at Orders/Orders.swift:27`).
    var trap: String?
}

/// Names for the addresses of a crash report, from the symbol tables of the modules it lists, and places in the source.
///
/// The report is the worker's word: the files it names may be anything, damaged or changing while they are read, and
/// are read here in the host (`SymbolTable`).
final class Symbolizer: Sendable {
    /// The most frames that are kept.
    private static let limit = 48
    /// After so long the modules that are left have names alone: others wait for their crash to be told.
    private static let seconds = 10

    private let runner = ProgramRunner()
    /// One thread: a crash waits for the one before, and what crashes again and again is known by then.
    private let thread = FileThreads(count: 1)
    private let lines: SourceLines

    init() { lines = SourceLines(runner: runner) }

    deinit { thread.stop() }

    /// Ends the program that runs; what is asked from now on has names alone.
    func stop() { runner.stop() }

    func trace(of report: CrashReport) async -> CrashTrace {
        await thread.run { [lines] in Self.trace(of: report, lines) }
    }

    private static func trace(of report: CrashReport, _ lines: SourceLines) -> CrashTrace {
        // After the first, a frame is a return address: the call is the instruction before it.
        let frames = report.frames.prefix(limit).enumerated().map { $0.offset == 0 ? $0.element : $0.element &- 1 }
        var names: [UInt64: (name: String, offset: UInt64)] = [:]
        var sources: [UInt64: [SourceFrame]] = [:]
        let deadline = ContinuousClock.now + .seconds(seconds)
        // One module a frame: however many the report lists, no more files than frames are read.
        let modules = Set(
            frames.compactMap { address in report.modules.first { $0.low <= address && address < $0.high } })
        for module in modules {
            let inside = frames.filter { module.low <= $0 && $0 < module.high }.map { $0 &- module.base }
            for (address, symbol) in SymbolTable(path: module.path, addresses: inside).found {
                names[address &+ module.base] = symbol
            }
            // Swift's own libraries come without.
            if module.path.split(separator: "/").last?.hasPrefix("libswift") == true || ContinuousClock.now > deadline {
                continue
            }
            for (address, found) in lines.frames(in: module.path, inside) { sources[address &+ module.base] = found }
        }
        var trace = CrashTrace()
        var shown: [String] = []
        for address in frames {
            guard let module = report.modules.first(where: { $0.low <= address && address < $0.high }) else {
                shown.append("0x" + String(address, radix: 16))
                continue
            }
            let file = module.path.split(separator: "/").last.map(String.init) ?? module.path
            let source = sources[address] ?? []
            for inlined in source.dropLast() where inlined.place != nil && inlined.trap == nil {
                let name = FrameName.plain(demangle(inlined.function))
                if !name.hasPrefix("Swift.") { shown.append("\(name), inlined, in \(file) at \(inlined.place ?? "")") }
            }
            let place = source.last { $0.place != nil }?.place
            let name = names[address].map { "\(FrameName.plain(demangle($0.name))) + \($0.offset)" }
            shown.append(
                (name ?? "0x\(String(address &- module.base, radix: 16))") + " in \(file)"
                    + (place.map { " at \($0)" } ?? ""))
        }
        trace.frames = Array(FrameName.relevant(shown).prefix(limit))
        if let first = frames.first, let source = sources[first], let words = source.first?.trap {
            // The check's own code is Swift's; it is told where the handler's begins.
            let own = source.dropFirst().first {
                $0.place != nil && !FrameName.plain(demangle($0.function)).hasPrefix("Swift.")
            }
            trace.trap = String(words.prefix(500)) + (own?.place.map { ", at \($0)" } ?? "")
        }
        return trace
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
