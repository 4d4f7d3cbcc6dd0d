import ArgumentParser
import Columnar
import CLinux
import Glibc

extension Parquet {
    struct Merge: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "merge", abstract: "Make few large files of many small ones.",
            discussion: """
                Files of one schema, or of schemas that a common one holds: missing columns become null, integers become \
                decimals or doubles where they lose nothing, dates become timestamps. Anything else is refused. Nested columns \
                and types that are not written here keep their row groups, compression and encodings.

                An input takes the output's place only with --delete-inputs. In a folder that a host watches nothing is made \
                and nothing deleted: the host's catalog would not know. Merge its files into a folder elsewhere.
                """)

        @Argument(
            help: ArgumentHelp("Parquet files, or folders of them (hidden files are left alone).", valueName: "in"))
        var inputs: [String]
        @Option(
            name: .shortAndLong,
            help: ArgumentHelp("The file to make; with --target-size, a folder that is new or empty.", valueName: "out")
        )
        var output: String
        @Option(help: ArgumentHelp("Begin a new file at this size, such as 128MB.", valueName: "size"))
        var targetSize: ByteSize?
        @Flag(help: "Delete the inputs once the output is complete and on disk.") var deleteInputs = false
        @OptionGroup var parquetOption: ParquetOption
        @OptionGroup var outputOption: OutputOption

        private struct Result: Encodable {
            var rows: Int64
            var inputs: Int
            var inputBytes: Int64
            var outputBytes: Int64
            var files: [String]
            var copied: Bool
            var deleted: Int
        }

        func run() throws {
            let paths = try MergeFiles.find(inputs)
            try checkPlaces(paths)
            if targetSize == nil { try FileCheck.writable(output) }
            for path in paths { try FileCheck.readable(path) }
            var sources: [ParquetMergeInput] = []
            var inputBytes: Int64 = 0
            for path in paths {
                do throws(ColumnarError) {
                    // There may be more of them than a process may have open.
                    let input = try ParquetPathInput(path: path)
                    inputBytes &+= input.size
                    sources.append(ParquetMergeInput(name: path, file: try ParquetFile(input)))
                } catch {
                    throw Failure("\(path): \(error.message)")
                }
            }
            var options = ParquetWriterOptions()
            options.keyValueMetadata = [(key: "sluice.merged", value: "\(paths.count) files")]
            try parquetOption.apply(to: &options)
            ProgramMemory.release()
            let report = try merge(sources, options)
            // The output may have taken the place of an input.
            let made = try Set(report.files.map { try MergeFiles.identity(place(of: $0)) })
            let doomed = deleteInputs ? try paths.filter { !made.contains(try MergeFiles.identity($0)) } : []
            for path in doomed where unlink(path) != 0 {
                throw Failure.system("the output is complete, and \(path) cannot be deleted")
            }
            let bytes = report.files.reduce(0) { $0 + $1.bytes }
            let output = outputOption.output
            if output.json {
                return try output.object(
                    Result(
                        rows: report.rows, inputs: paths.count, inputBytes: inputBytes, outputBytes: bytes,
                        files: report.files.map(place), copied: report.isCopied, deleted: doomed.count))
            }
            output.line(
                "\(Human.count(paths.count, "file")) -> \(Human.count(report.files.count, "file")): "
                    + "\(Human.count(report.rows, "row")), \(Human.bytes(inputBytes)) -> \(Human.bytes(bytes))"
                    + (report.isCopied ? ", row groups as they were" : ""))
            if !doomed.isEmpty { output.line("\(Human.count(doomed.count, "input")) deleted") }
        }

        /// What would double rows, or take files away from a table behind the catalog's back.
        private func checkPlaces(_ paths: [String]) throws {
            let hint = "merge its files into a folder elsewhere: the tables of a catalog are the host's"
            if let bucket = MergeFiles.watchedFolder(of: output) {
                throw Failure("\(output) is in \(bucket), a bucket that a host watches", hint: hint)
            }
            for path in deleteInputs ? paths : [] {
                guard let bucket = MergeFiles.watchedFolder(of: path) else { continue }
                throw Failure(
                    "\(path) is in \(bucket), a bucket that a host watches: it is not deleted there",
                    hint: hint + "; leave --delete-inputs out")
            }
            guard targetSize == nil, !deleteInputs, access(output, F_OK) == 0 else { return }
            let identity = try MergeFiles.identity(output)
            guard let same = try paths.first(where: { try MergeFiles.identity($0) == identity }) else { return }
            throw Failure(
                "\(same) is an input and the output: what is in it would be there twice with the next merge",
                hint: "name another output, or let it take the place of all inputs with --delete-inputs")
        }

        private func merge(_ sources: [ParquetMergeInput], _ options: ParquetWriterOptions) throws -> ParquetMergeReport
        {
            guard let targetSize else {
                let file = StagedFile(output)
                let report = try ParquetMerger.merge(sources, to: file, options: options)
                try file.publish(isDurable: deleteInputs)
                return report
            }
            let folder = try FolderOutput(path: output)
            let report = try ParquetMerger.merge(sources, to: folder, fileBytes: targetSize.bytes, options: options)
            try folder.publish()
            if deleteInputs {
                for file in report.files { try StagedFile.sync(place(of: file)) }
                try StagedFile.sync(output)
                try StagedFile.sync(StagedFile.folder(of: output))
            }
            return report
        }

        private func place(of file: PartitionFile) -> String {
            targetSize == nil ? output : "\(output)/\(file.name)"
        }
    }
}

/// The files that a merge is to read.
enum MergeFiles {
    /// The files that paths name, those of a folder in the order of their names.
    static func find(_ paths: [String]) throws -> [String] {
        var files: [String] = []
        for path in paths {
            var status = stat()
            guard stat(path, &status) == 0 else { throw Failure.file("read", path) }
            if status.st_mode & S_IFMT == S_IFDIR { files += try parquetFiles(in: path) } else { files.append(path) }
        }
        guard !files.isEmpty else {
            throw Failure("there is no Parquet file in \(paths.joined(separator: ", "))", hint: "name files or folders")
        }
        var seen: Set<String> = []
        for file in files where !seen.insert(try identity(file)).inserted {
            throw Failure("\(file) is named twice", hint: "its rows would be there twice")
        }
        let partitions = Set(files.map { $0.split(separator: "/").dropLast().filter { $0.contains("=") } })
        guard partitions.count == 1 else {
            throw Failure(
                "the files are of \(partitions.count) partitions, whose values stand in their paths alone",
                hint: "merge each partition by itself")
        }
        return files
    }

    /// Device and number of a file: the same for all its names.
    static func identity(_ path: String) throws -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { throw Failure.file("read", path) }
        return "\(status.st_dev):\(status.st_ino)"
    }

    /// The bucket's folder that a place, which need not be there yet, lies in: a host keeps its own files in `.sluice`
    /// there.
    static func watchedFolder(of path: String) -> String? {
        var folder = StagedFile.folder(of: path)
        var resolved = realpath(folder, nil)
        while resolved == nil {
            let above = StagedFile.folder(of: folder)
            guard above != folder else { return nil }
            folder = above
            resolved = realpath(folder, nil)
        }
        defer { free(resolved) }
        var place = resolved.map { String(cString: $0) } ?? ""
        while !place.isEmpty {
            var status = stat()
            if stat(place + "/.sluice", &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return place }
            place = place.lastIndex(of: "/").map { String(place[..<$0]) } ?? ""
        }
        return nil
    }

    static func parquetFiles(in folder: String) throws -> [String] {
        guard let stream = opendir(folder) else { throw Failure.file("read", folder) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix("."), !name.hasPrefix("_") { names.append("\(folder)/\(name)") }
        }
        var files: [String] = []
        for path in names.sorted() {
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            if status.st_mode & S_IFMT == S_IFDIR {
                files += try parquetFiles(in: path)
            } else if path.hasSuffix(".parquet") {
                files.append(path)
            }
        }
        return files
    }
}
