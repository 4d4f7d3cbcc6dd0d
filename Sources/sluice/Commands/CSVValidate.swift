import ArgumentParser
import Columnar

extension CSV {
    /// `sluice csv validate`.
    struct Validate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "validate",
            abstract: "Check a file of records by rules: part good rows from bad ones, and say what was found.",
            discussion: """
                CSV is parted into good rows (--good) and bad ones (--quarantine). Of other forms (JSON, access logs, \
                fixed-width text) there is --quarantine alone; `sluice csv convert --rules` writes their good rows.

                A quarantine file is recognised: after its rows were corrected (the text behind "raw"), it is validated as the \
                file they came from.

                Exit code 0: the rows are good, or the bad ones are in the quarantine file. 1: a rule on the whole file \
                does not hold, or rows are bad and there is no --quarantine for them; then nothing is written. Rules with \
                `thresholds` say themselves how many bad rows are too many.
                """)

        @Argument(
            help: ArgumentHelp(
                "CSV, JSON, an access log, fixed-width text or a quarantine file, also compressed; - for the standard input.",
                valueName: "in"))
        var input: String
        @OptionGroup(title: "Quality") var rulesOption: RulesOption
        @Option(help: ArgumentHelp("Where the good rows of a CSV file go.", valueName: "out.csv")) var good: String?
        @OptionGroup(title: "Input") var inputOption: InputOption
        @OptionGroup(title: "Masking") var maskOption: MaskOption
        @OptionGroup var outputOption: OutputOption

        func validate() throws {
            guard rulesOption.rules != nil else { throw ValidationError("Give the rules with --rules FILE.") }
            try Destinations.check(
                [("the input", input)] + rulesOption.files + maskOption.files + inputOption.files,
                [("--good", good), ("--quarantine", inputOption.quarantine)])
        }

        func run() throws {
            try FileCheck.readable(input)
            guard let rules = try rulesOption.qualityRules() else { return }
            var options = ConversionOptions()
            try inputOption.apply(to: &options)
            for path in [good, inputOption.quarantine] { try FileCheck.writable(path) }
            let (goodFile, badFile) = (good.map(StagedFile.init), inputOption.quarantine.map(StagedFile.init))
            let writer = QuarantineWriter(try badFile?.sink() ?? DiscardSink(), source: input)
            let report = try Failure.named(input) {
                try judge(rules, options, good: try goodFile?.sink() ?? DiscardSink(), bad: writer)
            }
            try writer.finish()
            let output = outputOption.output
            if output.json { try output.object(report) } else { QualityText.write(report, to: output) }
            MaskText.warn(report.unmasked ?? [])
            try report.requirePass()
            try requirePlace(for: report, rules)
            try goodFile?.publish()
            try badFile?.publish()
        }

        private func judge(
            _ rules: QualityRules, _ options: ConversionOptions, good: any ByteSink, bad: any RejectedRecords
        ) throws -> QualityReport {
            if options.format == .csv || options.format == .automatic {
                let filter = QualityFilter(rules, options: options.csv, masking: try maskOption.masking())
                do {
                    return try filter.run(RecordInput.open(input), good: good, bad: bad)
                } catch let error as ColumnarError where error.code == .notDelimited {
                    // Other forms are told by the first bytes, of which a pipe has none left now.
                    guard self.good == nil, input != "-" else { throw refusal }
                }
            } else if self.good != nil {
                throw refusal
            }
            var options = options
            (options.csv.badRecords, options.mismatches) = (.reject, .reject)
            (options.quality, options.masking) = (rules, try maskOption.masking())
            let report = try CSVConverter.convert(
                from: RecordInput.open(input), to: DiscardSink(), options: options, rejectedRecords: bad)
            guard let quality = report.quality else { throw Failure("\(input) was not judged") }
            return quality
        }

        private var refusal: Failure {
            if good == nil {
                return Failure(
                    "the records of the standard input are not CSV",
                    hint: "say what they are: --format ndjson, for example")
            }
            return Failure(
                "--good takes good rows as they stand, which only CSV has",
                hint:
                    "leave --good out to check the file, or convert it by the same rules: sluice csv convert --rules FILE"
            )
        }

        /// A script that asks whether a file is good gets its answer from the exit code; who parts it has a place for
        /// bad rows.
        private func requirePlace(for report: QualityReport, _ rules: QualityRules) throws {
            guard inputOption.quarantine == nil, rules.thresholds == QualityThresholds() else { return }
            let broken = report.rules.filter { !$0.passed }.count
            guard report.malformed > 0 || broken > 0 else { return }
            var words: [String] = []
            if broken > 0 {
                words.append(
                    "\(Human.count(broken, "rule")) of \(report.rules.count) \(broken == 1 ? "does" : "do") not hold")
            }
            if report.malformed > 0 { words.append("\(Human.count(report.malformed, "row")) cannot be read") }
            throw Failure(
                "\(input): \(words.joined(separator: "; "))",
                hint: "--quarantine FILE parts the bad rows from the good ones and goes on")
        }
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
            ["RULE", "HOLDS", .number("BAD ROWS"), .number("MEASURED")],
            report.rules.map { rule in
                [
                    rule.rule, rule.passed ? "yes" : "no",
                    rule.isOnFile == true ? "" : Human.grouped(rule.violations),
                    rule.measured.map { measured($0, rule.unit) } ?? "",
                ]
            })
    }

    /// `120 rows`; shares in hundredths, `99.5 % of rows`.
    private static func measured(_ value: Double, _ unit: String?) -> String {
        guard let unit else { return figure(value) }
        guard unit.hasPrefix("share ") else { return "\(figure(value)) \(value == 1 ? unit.dropLast() : unit[...])" }
        let hundredths = figure(value * 100)
        // Nearly all is not all.
        let isRounded = hundredths == "100.0000" || hundredths == "100"
        return "\(isRounded && value < 1 ? "<100" : hundredths) % \(unit.dropFirst("share ".count))"
    }

    /// Whole numbers without a point, others with four digits behind it, unless they are too small to show there.
    private static func figure(_ value: Double) -> String {
        if value == value.rounded(), value.magnitude < 1e15 { return Human.grouped(Int64(value)) }
        return value.magnitude < 0.001 ? "\(value)" : Human.decimal(value, 4)
    }
}
