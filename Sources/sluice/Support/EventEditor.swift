import FunctionJSON
import Glibc

/// Lets the user change an event in an editor.
enum EventEditor {
    /// The event as it was left; nil where nothing was changed. Throws where it is no JSON any more.
    static func edit(_ event: RawJSON, name: String) throws -> RawJSON? {
        let names: [String] = ["VISUAL", "EDITOR"]
        let editor = names.compactMap { name in getenv(name).map { String(cString: $0) } }.first { !$0.isEmpty } ?? "vi"
        var template = Array("/tmp/\(name)-XXXXXX.json".utf8CString)
        let descriptor = mkstemps(&template, 5)
        guard descriptor >= 0 else { throw Failure.system("cannot make a temporary file") }
        let path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        let before = pretty(event)
        var written = 0
        while written < before.count {
            let count = before[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                close(descriptor)
                throw Failure.system("cannot write \(path)")
            }
            written += count
        }
        close(descriptor)
        // As other programs do it: the variable may hold arguments.
        try Subprocess.run(["/bin/sh", "-c", "\(editor) \"$1\"", "editor", path])
        let after = try InputFile.bytes(of: path)
        if after == before { return nil }
        do { return try RawJSON(after) } catch {
            throw Failure("what was written is not JSON: \(error)", hint: "nothing was sent; edit it again")
        }
    }

    private static func pretty(_ event: RawJSON) -> [UInt8] {
        ((try? JSONValue(parsing: event.bytes))?.serialized(pretty: true) ?? event.bytes) + [0x0A]
    }
}
