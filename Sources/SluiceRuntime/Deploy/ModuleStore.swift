package import AppConfig
import CLinux
import Crypto
import Glibc
import Journal

/// Where the data folder keeps function modules: `functions/<Name>/<version>/<file>.so`, immutable once there.
package struct ModuleStore: Sendable {
    /// Why a module cannot be published.
    package struct Problem: Error, Sendable, CustomStringConvertible {
        package var function: String
        package var message: String

        package var description: String { "function \(function): \(message)" }
    }

    package var dataFolder: String

    package init(dataFolder: String) {
        self.dataFolder = dataFolder
    }

    /// The module that a build of the app folder left for a function: where `function.yaml` says, or the newest of the
    /// release and debug products.
    package func locate(_ function: FunctionDefinition, appFolder: String) throws(Problem) -> String {
        if let module = function.module {
            guard Self.modified(module) != nil else {
                throw Problem(function: function.name, message: "its module \(module) does not exist; build it first")
            }
            return module
        }
        let candidates = ["release", "debug"].map { "\(appFolder)/.build/\($0)/lib\(function.name).so" }
        let found = candidates.compactMap { path in Self.modified(path).map { (path, $0) } }
        guard let newest = found.max(by: { $0.1 < $1.1 }) else {
            throw Problem(
                function: function.name,
                message: "there is no \(candidates[0]); build it with `swift build -c release` in \(appFolder), or run "
                    + "`sluice deploy --build`")
        }
        return newest.0
    }

    /// SHA-256 over the module's bytes and the definition's JSON.
    package func digest(modulePath: String, definition: [UInt8], function: String) throws(Problem) -> String {
        var hash = SHA256()
        try Self.read(modulePath, function: function) { hash.update(bufferPointer: $0) }
        hash.update(data: definition)
        return hash.finalize().hexadecimal
    }

    /// The folder of a version's module.
    static func folder(of function: String, version: Int, in dataFolder: String) -> String {
        "\(dataFolder)/functions/\(function)/\(version)"
    }

    /// Copies the module into the store, durable before it is named; returns the absolute path.
    package func publish(modulePath: String, function: String, version: Int) throws(Problem) -> String {
        let folder = Self.folder(of: function, version: version, in: dataFolder)
        var path = ""
        for part in folder.split(separator: "/", omittingEmptySubsequences: false) {
            path += part.isEmpty ? "" : part
            if !path.isEmpty { _ = mkdir(path, 0o755) }
            path += "/"
        }
        let destination = "\(folder)/lib\(function).so"
        let temporary = destination + ".tmp"
        let output = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o755)
        guard output >= 0 else {
            throw Problem(function: function, message: "cannot write \(temporary): \(Self.reason())")
        }
        defer { close(output) }
        var failure: String?
        try Self.read(modulePath, function: function) { chunk in
            var rest = chunk
            while failure == nil, let base = rest.baseAddress, !rest.isEmpty {
                let written = write(output, base, rest.count)
                if written < 0 {
                    failure = Self.reason()
                } else {
                    rest = UnsafeRawBufferPointer(rebasing: rest[written...])
                }
            }
        }
        if failure == nil, fsync(output) != 0 || rename(temporary, destination) != 0 { failure = Self.reason() }
        if let failure {
            unlink(temporary)
            throw Problem(function: function, message: "cannot publish \(destination): \(failure)")
        }
        let directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if directory >= 0 {
            fsync(directory)
            close(directory)
        }
        return destination
    }

    private static func read(
        _ path: String, function: String, _ body: (UnsafeRawBufferPointer) -> Void
    ) throws(Problem) {
        let input = open(path, O_RDONLY | O_CLOEXEC)
        guard input >= 0 else { throw Problem(function: function, message: "cannot read \(path): \(reason())") }
        defer { close(input) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 18, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = Glibc.read(input, buffer.baseAddress!, buffer.count)
            guard count >= 0 else { throw Problem(function: function, message: "cannot read \(path): \(reason())") }
            if count == 0 { return }
            body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
    }

    private static func modified(_ path: String) -> Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return status.st_mtim.tv_sec
    }

    private static func reason() -> String { String(cString: strerror(errno)) }
}
