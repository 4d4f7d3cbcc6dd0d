import ArgumentParser
import Columnar

extension CSV {
    /// `sluice csv profile`.
    struct Profile: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "profile",
            abstract: "Say what the values of a file are like: types, nulls, distinct values, bounds, personal data.")

        @Argument(help: ArgumentHelp("Delimited text, also compressed; - for the standard input.", valueName: "in.csv"))
        var input: String
        @Option(help: ArgumentHelp("Frequent values of each column.", valueName: "n")) var top = 3
        @Flag(help: "Show the values of columns that look like personal data, too.") var showPersonal = false
        @OptionGroup var threadsOption: ThreadsOption
        @OptionGroup(title: "Input") var inputOption: InputOption
        @OptionGroup(title: "Masking") var maskOption: MaskOption
        @OptionGroup var outputOption: OutputOption

        func validate() throws {
            try Destinations.check(
                [("the input", input)] + maskOption.files + inputOption.files,
                [("--quarantine", inputOption.quarantine)])
            guard (0...1000).contains(top) else { throw ValidationError("--top must be from 0 to 1000.") }
        }

        private struct Result: Encodable {
            var profile: FileProfile
            var inputBytes: Int64
            var malformedRows: Int64
            var widened: [String]
            var seconds: Double
        }

        func run() throws {
            var options = ConversionOptions()
            try inputOption.apply(to: &options)
            if options.csv.badRecords == .fail { options.csv.badRecords = .reject }
            options.threads = threadsOption.count
            options.parquet.compression = .none
            options.profile = max(top, outputOption.json ? 10 : 0)
            options.masking = try maskOption.masking()
            ProgramMemory.release()
            let clock = ContinuousClock()
            let started = clock.now
            let report = try Failure.named(input) {
                try inputOption.withQuarantine(of: input) {
                    try CSVConverter.convert(
                        from: RecordInput.open(input), to: DiscardSink(), options: options, rejectedRecords: $0)
                }
            }
            let seconds = (clock.now - started) / .seconds(1)
            InputOption.warn(of: report, input)
            guard let whole = report.profile else { throw Failure("no profile came of \(input)") }
            let profile = showPersonal ? whole : whole.withoutPersonalData
            let output = outputOption.output
            if output.json {
                return try output.object(
                    Result(
                        profile: profile, inputBytes: report.inputBytes, malformedRows: report.rejectedRows,
                        widened: report.widenedColumns, seconds: seconds))
            }
            let rate = seconds > 0 ? Int64(Double(report.inputBytes) / seconds) : 0
            output.line(
                "\(Human.count(profile.rows, "row")), \(Human.count(profile.columns.count, "column")), "
                    + "\(Human.bytes(report.inputBytes)) in \(Human.milliseconds(seconds * 1000)) "
                    + "(\(Human.bytes(rate))/s)")
            if report.rejectedRows > 0 {
                let verb = report.rejectedRows == 1 ? "is" : "are"
                output.line(
                    "\(Human.count(report.rejectedRows, "row")) cannot be read and \(verb) not in these figures")
            }
            output.table(
                [
                    "COLUMN", "TYPE", .number("NULLS"), .number("DISTINCT"), "MIN", "MAX", .number("MEAN"), "LENGTH",
                    "FREQUENT", "LOOKS LIKE",
                ], profile.columns.map(cells))
            if profile.columns.contains(where: { !$0.distinct.isExact }) {
                output.line("~ estimated: too many distinct values to count each (standard error 0.8 %)")
            }
            if profile.columns.contains(where: { $0.hidesValues == true }) {
                output.line("Values that look like personal data are hidden; --show-personal shows them.")
            }
        }

        private func cells(_ column: ColumnProfile) -> [String] {
            let share = column.rows == 0 ? 0 : Double(column.nulls) / Double(column.rows)
            let lengths = column.lengths.map {
                $0.minimum == $0.maximum
                    ? "\($0.minimum)" : "\($0.minimum)-\($0.maximum), ø \(Human.decimal($0.mean, 1))"
            }
            let approximately = column.distinct.isExact ? "" : "~"
            let frequent = column.top.prefix(top).filter { $0.count > 1 }.map {
                "\(Text.short($0.value)) (\(approximately)\(Human.grouped($0.count)))"
            }
            return [
                column.name, column.type, column.nulls == 0 ? "0" : Self.percent(share),
                approximately + Human.grouped(column.distinct.count), column.minimum.map { Text.short($0) } ?? "",
                column.maximum.map { Text.short($0) } ?? "", column.mean.map(Self.number) ?? "", lengths ?? "",
                frequent.joined(separator: ", "),
                column.lookalikes.map { "\($0.kind.rawValue) \(Self.percent($0.share))" }.joined(separator: ", "),
            ]
        }

        private static func percent(_ share: Double) -> String {
            share < 0.001 ? "<0.1 %" : Human.decimal(share * 100, share < 0.1 ? 1 : 0) + " %"
        }

        private static func number(_ value: Double) -> String {
            value.magnitude < 1e12 ? Human.decimal(value, 2) : "\(value)"
        }
    }
}
