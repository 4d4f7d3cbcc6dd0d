import ArgumentParser
import Columnar
import Glibc

extension CSV {
    /// `sluice csv validate`.
    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Part a file into good rows and bad ones, and say what its rules found.",
            discussion: """
                A quarantine file is recognised: after its rows were mended (the text behind "raw"), it is validated as the
                file they came from. The command fails where a rule on the whole file does; then it writes nothing.
                """)

        @Argument(help: ArgumentHelp("Delimited text or a quarantine file, also compressed.", valueName: "in.csv"))
        var input: String
        @OptionGroup var rulesOption: RulesOption
        @Option(help: ArgumentHelp("Where the good rows go.", valueName: "out.csv")) var good: String?
        @OptionGroup var inputOption: InputOption
        @OptionGroup var maskOption: MaskOption
        @OptionGroup var outputOption: OutputOption

        func validate() throws {
            guard rulesOption.rules != nil else { throw ValidationError("Give the rules with --rules FILE.") }
        }

        func run() throws {
            guard let rules = try rulesOption.qualityRules() else { return }
            var options = ConversionOptions()
            try inputOption.apply(to: &options)
            guard options.format == .csv || options.format == .automatic else {
                throw Failure("good rows are written as they stand, which is done for delimited text only")
            }
            let filter = QualityFilter(rules, options: options.csv, masking: try maskOption.masking())
            let source = try FileSource(path: input)
            let (goodFile, badFile) = (try OutputFile(good), try OutputFile(inputOption.quarantine))
            let writer = QuarantineWriter(badFile.sink, source: input)
            let report = try filter.run(source, good: goodFile.sink, bad: writer)
            try writer.finish()
            let output = outputOption.output
            if output.json { try output.object(report) } else { QualityText.write(report, to: output) }
            MaskText.warn(report.unmasked ?? [])
            try report.requirePass()
            try goodFile.publish()
            if report.bad > 0 { try badFile.publish() }
        }
    }
}

/// A file that appears under its name when it is complete.
final class OutputFile {
    let sink: any ByteSink
    private let path: String?
    private var staged: String?

    /// - Parameter path: nil: what is written is lost.
    init(_ path: String?) throws {
        self.path = path
        guard let path else {
            sink = DiscardSink()
            return
        }
        let staged = "\(path).\(getpid()).tmp"
        sink = try FileSink(path: staged)
        self.staged = staged
    }

    deinit { if let staged { unlink(staged) } }

    func write(_ bytes: [UInt8]) throws {
        // A throwing closure of its own error type crashes the compiler here.
        let result = bytes.withUnsafeBytes { bytes -> Swift.Result<Void, ColumnarError> in
            do throws(ColumnarError) {
                return .success(try sink.write(bytes))
            } catch {
                return .failure(error)
            }
        }
        try result.get()
    }

    func publish() throws {
        guard let path, let staged else { return }
        guard rename(staged, path) == 0 else { throw Failure.system("cannot make \(path)") }
        self.staged = nil
    }
}

/// A quality report for people.
enum QualityText {
    static func write(_ report: QualityReport, to output: Output) {
        output.line(
            "\(Human.count(report.rows, "row")): \(Human.grouped(report.good)) good, "
                + "\(Human.grouped(report.bad)) bad"
                + (report.malformed > 0 ? " (\(Human.grouped(report.malformed)) of them cannot be read)" : ""))
        guard !report.rules.isEmpty else { return }
        output.table(
            ["rule", "holds", .number("bad rows"), .number("measured")],
            report.rules.map { rule in
                [
                    rule.rule, rule.passed ? "yes" : "no", Human.grouped(rule.violations),
                    rule.measured.map(figure) ?? "",
                ]
            })
    }

    /// Whole numbers without a point, others with four digits behind it, unless they are too small to show there.
    private static func figure(_ value: Double) -> String {
        if value == value.rounded(), value.magnitude < 1e15 { return Human.grouped(Int64(value)) }
        return value.magnitude < 0.001 ? "\(value)" : Human.decimal(value, 4)
    }
}
