import ArgumentParser
import Glibc

/// `sluice new`.
struct New: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Make an app folder with a first function: sources, test, limits, rule.",
        discussion: """
            The folder is a Swift package that builds as it is, and an app for `sluice up`. A further function is written by \
            hand: docs/writing-functions.md.
            """)

    @Argument(
        help: ArgumentHelp(
            "The folder to make, such as my-pipeline; one that is there must be empty.", valueName: "dir"))
    var folder: String
    @Option(name: .long, help: "The function's name.")
    var function = "CountLines"
    @Option(
        name: .long,
        help: ArgumentHelp(
            "The checkout of Sluice to build against. Default: the one this program was built in, or installed from.",
            valueName: "dir"))
    var sluice: String?
    @OptionGroup var outputOption: OutputOption

    func validate() throws {
        guard function.wholeMatch(of: /[A-Z][A-Za-z0-9]{0,63}/) != nil else {
            throw ValidationError("`\(function)` is no name for a function: letters and digits, the first a capital.")
        }
    }

    func run() throws {
        let checkout = try self.checkout()
        let place = Paths.absolute(folder)
        try make(place)
        let files = AppTemplate(
            name: place.split(separator: "/").last.map(String.init) ?? "app", function: function, checkout: checkout
        )
        .files
        for (name, text) in files {
            var parent = place
            for part in name.split(separator: "/").dropLast() {
                parent += "/" + part
                guard mkdir(parent, 0o777) == 0 || errno == EEXIST else {
                    throw Failure.file("make", parent)
                }
            }
            try StagedFile.write("\(place)/\(name)", Array(text.utf8))
        }
        let output = outputOption.output
        if output.json { return try output.object(Made(folder: place, files: files.map(\.name))) }
        for file in files { output.line("\(folder)/\(file.name)") }
        output.line()
        output.line("Build it and start a host:")
        let word = Text.shellWord(folder.hasPrefix("-") ? "./\(folder)" : folder)
        output.line("  cd \(word)")
        output.line("  swift build -c release")
        output.line("  \(Text.shellWord(Paths.programAsInvoked)) up")
        output.line("and in another terminal:")
        output.line("  cd \(word)")
        output.line("  printf 'one\\ntwo\\n' > data/buckets/landing-zone/some.txt")
        output.line("  \(Text.shellWord(Paths.programAsInvoked)) trace --wait landing-zone/some.txt")
        output.line("  cat data/buckets/counts/some.txt.count")
    }

    /// The folder: a new one, or one that is there and has nothing in it.
    private func make(_ place: String) throws {
        if mkdir(place, 0o777) == 0 { return }
        guard errno == EEXIST, let entries = opendir(place) else {
            throw Failure.file("make", folder, hint: errno == EEXIST ? "give the name of a new folder" : nil)
        }
        defer { closedir(entries) }
        while let entry = readdir(entries) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard name == "." || name == ".." else {
                throw Failure(
                    "\(folder) is there and not empty",
                    hint:
                        "name a new folder; a further function of an app is written by hand (docs/writing-functions.md)"
                )
            }
        }
    }

    private struct Made: Encodable {
        var folder: String
        var files: [String]
    }

    /// The folder of Sluice's Package.swift.
    private func checkout() throws -> String {
        if let sluice {
            let folder = Paths.absolute(sluice)
            guard access("\(folder)/Package.swift", R_OK) == 0 else {
                throw Failure("there is no \(sluice)/Package.swift", hint: "name the folder of Sluice's sources")
            }
            return folder
        }
        var parts = Paths.programFolder.split(separator: "/").map(String.init)
        while !parts.isEmpty {
            let folder = "/" + parts.joined(separator: "/")
            if access("\(folder)/Sources/FunctionKit", R_OK) == 0 { return folder }
            parts.removeLast()
        }
        // An installed one knows the checkout it was built in, which may be gone.
        if let installedFrom = Self.firstLine(Paths.programFolder + "sources"),
            access("\(installedFrom)/Sources/FunctionKit", R_OK) == 0
        {
            return installedFrom
        }
        throw Failure(
            "this program lies outside of Sluice's sources, which a function is built against",
            hint: "say where a checkout is: --sluice DIR")
    }

    private static func firstLine(_ path: String) -> String? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var buffer = [CChar](repeating: 0, count: 4096)
        guard fgets(&buffer, Int32(buffer.count), file) != nil else { return nil }
        let bytes = buffer.prefix { $0 != 0 && $0 != 0x0A }.map { UInt8(bitPattern: $0) }
        return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
    }
}
