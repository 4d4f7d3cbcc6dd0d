import Glibc
import SluiceRuntime
import Testing

/// A worker that crashes names the files its code lies in, and the host reads them: none may end the host.
@Suite("Symbols of untrusted files")
struct SymbolTableTests {
    /// A file of 64-byte section headers at its end: nothing, a symbol table, its names. One function, `crashed`, lies
    /// at 0x1000 and is 0x100 bytes long.
    private static let good: [UInt8] = {
        let names = Array("\0crashed\0".utf8)
        var symbols = [UInt8](repeating: 0, count: 24)
        symbols += number(1, 4) + [2, 0] + number(1, 2) + number(0x1000, 8) + number(0x100, 8)
        var file = number(0x464c_457f, 4) + [2] + [UInt8](repeating: 0, count: 59)
        let (symbolsAt, namesAt) = (file.count, file.count + symbols.count)
        file += symbols + names
        patch(&file, 40, file.count, 8)
        patch(&file, 58, 64, 2)
        patch(&file, 60, 3, 2)
        return file + header(type: 0, offset: 0, size: 0, link: 0)
            + header(type: 2, offset: symbolsAt, size: symbols.count, link: 2)
            + header(type: 3, offset: namesAt, size: names.count, link: 0)
    }()

    private static func number(_ value: Int, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    private static func patch(_ file: inout [UInt8], _ offset: Int, _ value: Int, _ width: Int) {
        file.replaceSubrange(offset..<offset + width, with: number(value, width))
    }

    private static func header(type: Int, offset: Int, size: Int, link: Int) -> [UInt8] {
        number(0, 4) + number(type, 4) + number(0, 16) + number(offset, 8) + number(size, 8) + number(link, 4)
            + number(0, 20)
    }

    /// What is found at 0x1010 in a file of these bytes.
    private func name(_ bytes: [UInt8]) throws -> String? {
        let path = "/tmp/sluice-symbols-\(getpid())-\(UInt64.random(in: .min ... .max))"
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        try #require(file >= 0)
        defer { unlink(path) }
        #expect(write(file, bytes, bytes.count) == bytes.count)
        close(file)
        return SymbolTable(path: path, addresses: [0x1010]).found[0x1010]?.name
    }

    @Test("A function is found by an address within it")
    func found() throws {
        #expect(try name(Self.good) == "crashed")
        #expect(try name(Array(Self.good.dropLast())) == nil)
    }

    @Test("Numbers near the end of their range name nothing, and end nothing", arguments: [40, 24, 32, 40 + 1_000])
    func damaged(field: Int) throws {
        // Of the file's header: where the section headers are. Of the symbol table's header: offset, size, link.
        let sections = Self.good.count - 3 * 64
        for value in [Int.max, Int.max - 63, Int.max - 1000, -1, Int.min, Self.good.count, 1 << 40] {
            var file = Self.good
            switch field {
            case 40: Self.patch(&file, 40, value, 8)
            case 1040: Self.patch(&file, sections + 64 + 40, value, 4)
            default: Self.patch(&file, sections + 64 + field, value, 8)
            }
            #expect(try name(file) == nil)
            Self.patch(&file, 58, 0xFFFF, 2)
            Self.patch(&file, 60, 0xFFFF, 2)
            #expect(try name(file) == nil)
        }
    }

    @Test("Every byte may be another, and the file may end anywhere")
    func everyByte() throws {
        for index in Self.good.indices {
            var file = Self.good
            file[index] = ~file[index]
            _ = try name(file)
            _ = try name(Array(Self.good.prefix(index)))
        }
    }

    @Test("What is no file is not waited for")
    func pipe() throws {
        let path = "/tmp/sluice-symbols-\(getpid())-pipe"
        try #require(mkfifo(path, 0o600) == 0)
        defer { unlink(path) }
        #expect(SymbolTable(path: path, addresses: [0x1010]).found.isEmpty)
        #expect(SymbolTable(path: "/dev/zero", addresses: [0x1010]).found.isEmpty)
        #expect(SymbolTable(path: "/tmp", addresses: [0x1010]).found.isEmpty)
    }
}
