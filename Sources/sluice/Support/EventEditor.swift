import FunctionJSON
import Glibc

/// Lets the user change an event in an editor. What was written stays in its file until it was sent, so that nothing
/// has to be written twice.
struct EventEditor {
    /// The event as it was left; nil where nothing was changed.
    let event: RawJSON?
    private let path: String

    /// Throws where what was left is no JSON any more, and says where it is.
    init(editing event: RawJSON, name: String) throws {
        let names: [String] = ["VISUAL", "EDITOR"]
        let named = names.compactMap { name in getenv(name).map { String(cString: $0) } }.first { !$0.isEmpty }
        guard named != nil || isatty(0) == 1 else {
            throw Failure(
                "an event is edited in a terminal, and this is none",
                hint: "give the event as a file: `sluice dlq redrive ID --edit-with FILE`")
        }
        let editor = named ?? "vi"
        var template = Array("\(Paths.temporaryFolder)/\(name)-XXXXXX.json".utf8CString)
        let descriptor = mkstemps(&template, 5)
        guard descriptor >= 0 else {
            throw Failure.system(
                "cannot make a file in \(Paths.temporaryFolder)", hint: "name another folder in $TMPDIR")
        }
        path = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let before = Self.pretty(event)
        var written = 0
        while written < before.count {
            let count = before[written...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else {
                close(descriptor)
                unlink(path)
                throw Failure.file("write", path)
            }
            written += count
        }
        close(descriptor)
        do {
            // As other programs do it: the variable may hold arguments.
            try Subprocess.run(
                ["/bin/sh", "-c", "\(editor) \"$1\"", "editor", path], named: "the editor `\(editor)`",
                hint: "name another one in $VISUAL or $EDITOR")
        } catch {
            guard let left = try? InputFile.bytes(of: path), left != before else {
                unlink(path)
                throw error
            }
            throw Self.kept(path, error.message)
        }
        let after = try InputFile.bytes(of: path)
        guard after != before else {
            unlink(path)
            self.event = nil
            return
        }
        do { self.event = try RawJSON(after) } catch {
            throw Self.kept(path, "what was written is not JSON: \(error)")
        }
    }

    /// What was written is where it belongs.
    func discard() { unlink(path) }

    /// Why it is not, and where it waits to be corrected.
    func failure(_ message: String, hint: String?) -> Failure {
        let failure = Self.kept(path, message)
        return Failure(message, hint: [hint, failure.hint].compactMap(\.self).joined(separator: "\n"))
    }

    private static func kept(_ path: String, _ message: String) -> Failure {
        Failure(
            message, hint: "nothing was sent, and your text is kept: correct it and send it with --edit-with \(path)")
    }

    private static func pretty(_ event: RawJSON) -> [UInt8] {
        ((try? JSONValue(parsing: event.bytes))?.serialized(pretty: true) ?? event.bytes) + [0x0A]
    }
}
