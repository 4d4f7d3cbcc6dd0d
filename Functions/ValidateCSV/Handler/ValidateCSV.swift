public import Columnar
public import FunctionKit
import FunctionSupport

/// Parts the CSV files that arrive under `<…>/<database>/<table>/` into good rows and bad ones.
///
/// A quarantine file whose rows were corrected is recognised when it is put there: its rows are judged by the rules of
/// the file they come from, and go on as a file of their own.
///
/// Good rows of `inbox/validate/<path>/<file>.csv` go on as `landing-zone/validated/<path>/<file>.csv`, from where
/// `CSVToParquet` converts them: one source, one file, and a new version of the source replaces it. Bad ones go to
/// `quarantine/<database>/<table>/<file>-<unique>.ndjson`, one JSON object a row with its number, line, byte offset,
/// raw text and reason. Rules come from a YAML file beside the data or from the function's configuration (see
/// `RulesFile`). A file that breaks its thresholds fails as a whole with `QualityThreshold`: nothing of it goes on, and
/// its dead letter keeps the file.
public struct ValidateCSV: Handler {
    /// The `configuration` of function.yaml; each key may be left out.
    struct Configuration: Decodable, Sendable {
        /// Where good rows go.
        var targetBucket: String?
        /// What stands before the input's path there.
        var targetPrefix: String?
        /// What is left out at the start of that path, `validate/` unless given.
        var sourcePrefix: String?
        var quarantineBucket: String?
        /// For data without a rules file; the same mapping as in one.
        var rules: QualityRules?
        /// Masks of the good rows.
        var mask: MaskSettings?
        /// How the files are written; found by their content unless given.
        var input: InputSettings?

        /// The options for reading.
        func reading() throws -> CSVOptions {
            var conversion = ConversionOptions()
            do throws(ColumnarError) {
                try input?.apply(to: &conversion)
            } catch {
                throw HandlerError(error, in: "the configuration's input")
            }
            guard conversion.format == .automatic || conversion.format == .csv else {
                throw HandlerError(
                    code: "InvalidConfiguration",
                    message:
                        "input: format is \(input?.format ?? "another"), and good rows go on as they stand, which is "
                        + "done for csv only", retry: false)
            }
            return conversion.csv
        }
    }

    /// Where the rows went, and what the rules say of them.
    public struct Output: Codable, Sendable, Hashable {
        /// `bucket/key` of the good rows.
        public var good: String
        /// `bucket/key` of the bad rows; nil when there are none.
        public var quarantine: String?
        /// `bucket/key` of the rules file; nil for the rules of the configuration.
        public var rules: String?
        public var report: QualityReport
    }

    private var configuration: Configuration?

    public init() {}

    public mutating func prepare(_ setup: FunctionSetup) throws {
        configuration = try RulesFile.unwrapped { try setup.configuration(refusesUnknownKeys: true) }
        _ = try configuration?.reading()
    }

    /// Judges every row of a file; the good ones and the bad ones become files of their own.
    public func handle(_ event: Event<ObjectCreated>, context: Context) async throws -> Output {
        let configuration =
            try configuration ?? RulesFile.unwrapped { try context.configuration(refusesUnknownKeys: true) }
        let bucket = event.detail.bucket.name
        let key = try TableKey(event.detail.object.key)
        let data = try await context.objects.get(bucket, event.detail.object.key)
        let origin = try await origin(data, key: event.detail.object.key)
        let found = try await RulesFile.beside(event.detail.object.key, in: bucket, origin: origin, context: context)
        var rules = found?.rules ?? configuration.rules ?? QualityRules(rules: [])
        try await rules.readReferences(context)

        let targetBucket = configuration.targetBucket ?? "landing-zone"
        let quarantineBucket = configuration.quarantineBucket ?? "quarantine"
        let prefix = configuration.targetPrefix ?? "validated/"
        let goodKey = prefix + Self.path(event.detail.object.key, below: configuration.sourcePrefix ?? "validate/")
        let badKey = try await context.objects.generateKey(
            quarantineBucket, prefix: "\(key.database)/\(key.table)/\(key.stem)-", suffix: ".ndjson")

        let reading = try configuration.reading()
        // The filter takes null tokens from the rules.
        rules.nullTokens += reading.nullTokens
        let filter = QualityFilter(
            rules, options: reading, masking: try configuration.mask?.masking(environment: context.environment))
        // A new version of the file replaces the good rows of the one before; its event converts them anew.
        var report: QualityReport?
        do {
            try await context.objects.put(quarantineBucket, badKey, overwrite: true) { bad in
                let finished = try await context.objects.put(targetBucket, goodKey, overwrite: true) { good in
                    let (badDescriptor, goodDescriptor) = (try bad.descriptor, try good.descriptor)
                    return try await data.withDescriptor { input in
                        try run(
                            filter, input, good: goodDescriptor, bad: badDescriptor,
                            name: data.info.location.description)
                    }
                }
                report = finished
                if finished.bad == 0 { throw NothingBad() }
            }
        } catch is NothingBad {
            // Then there is no quarantine object either.
        }
        guard let report else { throw HandlerError(code: "NoReport", message: "the filter gave no report") }
        for column in report.unmasked ?? [] {
            context.logger.warning(
                "values that look like personal data are not masked",
                metadata: ["source": "\(data.info.location)", "found": "\(column)"])
        }
        try enforce(report, context: context, name: data.info.location.description)
        try await data.requireNewest(context)
        return Output(
            good: "\(targetBucket)/\(goodKey)", quarantine: report.bad > 0 ? "\(quarantineBucket)/\(badKey)" : nil,
            rules: found?.name, report: report)
    }

    /// Where the good rows of a file go: its whole path, so that no two files ever share a place. Only a name that does
    /// not end in `.csv` gets that at its end.
    private static func path(_ key: String, below prefix: String) -> String {
        let path = key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key
        return path.hasSuffix(".csv") ? path : path + ".csv"
    }

    /// Where the rows of a quarantine file come from; nil for any other file.
    private func origin(_ data: ObjectData, key: String) async throws -> String? {
        let name = data.info.location.description
        let origin = try await data.withDescriptor { descriptor in
            do throws(ColumnarError) {
                return try QuarantineSource.origin(of: FileSource(descriptor: descriptor, name: name))
            } catch {
                throw HandlerError(error, in: name)
            }
        }
        if origin == nil, key.hasSuffix(".ndjson") {
            throw HandlerError(
                code: "NotQuarantine",
                message:
                    "\(name) is no quarantine file; of JSON only those are validated, with their first line as it was",
                retry: false)
        }
        return origin
    }

    /// Ends the making of a quarantine object that would be empty.
    private struct NothingBad: Error {}

    private func run(
        _ filter: QualityFilter, _ input: Int32, good: Int32, bad: Int32, name: String
    ) throws -> QualityReport {
        do throws(ColumnarError) {
            let writer = QuarantineWriter(
                FileSink(descriptor: bad, name: "the quarantine object"), source: name)
            let report = try filter.run(
                FileSource(descriptor: input, name: name), good: FileSink(descriptor: good, name: "the good rows"),
                bad: writer)
            try writer.finish()
            guard report.good + report.bad == report.rows, writer.count == report.bad else {
                throw ColumnarError(
                    .writeFailed,
                    "\(report.good) good and \(writer.count) quarantined rows do not make up the \(report.rows) of the input"
                )
            }
            return report
        } catch {
            throw HandlerError(error, in: name)
        }
    }

    private func enforce(_ report: QualityReport, context: Context, name: String) throws {
        do throws(ColumnarError) {
            try report.requirePass()
        } catch {
            throw HandlerError(error, in: name)
        }
        context.logger.info(
            "validated",
            metadata: [
                "source": "\(name)", "rows": "\(report.rows)", "good": "\(report.good)", "bad": "\(report.bad)",
            ])
    }
}
