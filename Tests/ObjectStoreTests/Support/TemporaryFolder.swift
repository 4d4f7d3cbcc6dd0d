import Glibc
import ObjectStore

/// A folder under /tmp (a real disk, unlike /dev/shm) that goes when this does.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/sluice-store-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw TestFailure("mkdtemp: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = try? shell("chmod -R u+rwx '\(path)' 2>/dev/null; rm -rf '\(path)'") }

    func bucket(
        _ name: String = "bucket", _ configuration: BucketConfiguration = BucketConfiguration()
    ) throws -> Bucket {
        try Bucket.open(name: name, path: "\(path)/\(name)", configuration: configuration)
    }
}

struct TestFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Runs a command in `sh`; throws unless it ends with status 0. Returns its standard output.
@discardableResult
func shell(_ command: String, in folder: String = "/") throws -> String {
    guard let pipe = popen("cd '\(folder)' && { \(command)\n}", "r") else { throw TestFailure("popen: \(errno)") }
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
        let count = fread(&buffer, 1, buffer.count, pipe)
        if count == 0 { break }
        output.append(contentsOf: buffer[..<count])
    }
    let status = pclose(pipe)
    if status != 0 { throw TestFailure("\(command): status \(status)") }
    return String(decoding: output, as: UTF8.self)
}

func writeFile(_ path: String, _ text: String) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    if file < 0 { throw TestFailure("open \(path): \(errno)") }
    defer { close(file) }
    try writeAll(file, text)
}

func writeAll(_ file: Int32, _ text: String) throws {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
        if count <= 0 { throw TestFailure("write: \(errno)") }
        bytes = bytes.dropFirst(count)
    }
}

func readFile(_ path: String) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    if file < 0 { return nil }
    defer { close(file) }
    return readAll(file)
}

func readAll(_ file: Int32) -> String {
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
        let count = read(file, &buffer, buffer.count)
        if count <= 0 { break }
        content.append(contentsOf: buffer[..<count])
    }
    return String(decoding: content, as: UTF8.self)
}

func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

let isRoot = geteuid() == 0

extension Bucket {
    /// Stages and seals a file as a worker and the host do together.
    func staged(_ attempt: StagingAttempt, _ text: String) throws -> SealedFile {
        let (file, descriptor) = try createStage(attempt)
        try writeAll(descriptor, text)
        close(descriptor)
        guard let sealed = try seal([file]).first else { throw TestFailure("nothing sealed") }
        return sealed
    }
}

/// The code of the error that `body` throws, nil if it throws none.
func code(_ body: () throws -> Void) -> String? {
    do {
        try body()
        return nil
    } catch let error as ObjectStoreError {
        return error.code.description
    } catch {
        return "\(error)"
    }
}
