import CLinux
import Glibc

/// One measured figure, as `sluice bench columnar` prints it.
package struct ColumnarFigure: Sendable, Hashable {
    /// `orders`, `wide`, `unique` or `ndjson`.
    package var dataset: String
    package var threads: Int
    package var rows: Int
    package var inputBytes: Int64
    /// `megabytes_per_second`, `screened_megabytes_per_second`, `output_share`, `peak_resident_mb`,
    /// `read_values_per_second`; `times_as_fast_as_duckdb` and other peers, `times_as_fast_as_the_best` of them,
    /// `output_share_of_pyarrow`;
    /// `validated_cost`, `profiled_cost` and `checked_cost`, what rules, a profile and both add to the processor time
    /// of the conversion, and `checked_peak_resident_mb`.
    package var metric: String
    package var value: Double
    package var unit: String
    /// The same measure of reading and finding the fields alone, in the same run; nil where there is none.
    package var floor: Double?
    /// `value / floor`.
    package var ratio: Double? { floor.map { value / $0 } }
}

/// Measures conversions of seeded files: medians of interleaved runs, in megabytes (10^6) of input a second.
package struct ColumnarBench {
    /// Where the files are made and removed; `/dev/shm` or a temporary folder.
    package var folder: String
    package var orderRows = 500_000
    package var wideRows = 30_000
    package var uniqueRows = 300_000
    package var recordRows = 300_000
    package var repetitions = 5
    package var threads = [1, 2]
    package var compression = ParquetWriterOptions.Compression.automatic
    package var seed: UInt64 = 7
    /// How long another reader takes to read a Parquet file whole on one thread, in seconds; nil where there is none.
    package var peerRead: ((_ path: String) -> Double?)?
    /// How long others take to convert a CSV file into a new Parquet file, in seconds, and the size of what they wrote.
    package var peerConvert: ((_ input: String, _ threads: Int) -> [Peer])?

    /// Keeps the calling thread on one core while it converts alone, as the peers are kept then, and lets it go again.
    package var keepToOneCore: ((Bool) -> Void)?

    /// One conversion of somebody else.
    package struct Peer: Sendable {
        package var name: String
        package var seconds: Double
        package var outputBytes: Int64

        package init(name: String, seconds: Double, outputBytes: Int64) {
            (self.name, self.seconds, self.outputBytes) = (name, seconds, outputBytes)
        }
    }

    package init(folder: String) {
        self.folder = folder
    }

    /// Makes the files, measures, removes them.
    /// - Parameter progress: told what is being done, in words.
    package func run(progress: (String) -> Void = { _ in }) throws(ColumnarError) -> [ColumnarFigure] {
        var figures: [ColumnarFigure] = []
        for data in BenchData.allCases {
            let rows =
                [BenchData.orders: orderRows, .wide: wideRows, .unique: uniqueRows, .ndjson: recordRows][data] ?? 0
            guard rows > 0 else { continue }
            let input = "\(folder)/sluice-bench-\(getpid())-\(data.rawValue).\(data.suffix)"
            let output = "\(folder)/sluice-bench-\(getpid())-\(data.rawValue).parquet"
            defer {
                unlink(input)
                unlink(output)
            }
            progress("\(data.rawValue): making \(rows) rows")
            try data.write(rows: rows, seed: seed, to: FileSink(path: input))
            figures += try measure(data, rows: rows, from: input, to: output, progress: progress)
        }
        return figures
    }

    private func measure(
        _ data: BenchData, rows: Int, from input: String, to output: String, progress: (String) -> Void
    ) throws(ColumnarError) -> [ColumnarFigure] {
        var floors: [Double] = []
        var screened: [Double] = []
        var speeds: [Int: [Double]] = [:]
        var peaks: [Int: Double] = [:]
        var (reads, peers): ([Double], [Double]) = ([], [])
        var converted: [Int: [Peer]] = [:]
        var report = ConversionReport()
        for repetition in 1...max(1, repetitions) {
            progress("\(data.rawValue): run \(repetition) of \(repetitions)")
            var bytes: Int64 = 0
            let floor = try seconds { () throws(ColumnarError) in bytes = try Self.index(data, input) }
            floors.append(Double(bytes) / 1e6 / floor)
            for count in threads {
                Self.resetPeak()
                // Each writes a new file: what takes the place of an older one waits for that one's blocks to be freed.
                unlink(output)
                if count == 1 { keepToOneCore?(true) }
                defer { if count == 1 { keepToOneCore?(false) } }
                let time = try seconds { () throws(ColumnarError) in
                    report = try convert(input, output, threads: count, processor: nil)
                }
                if data != .ndjson, let peerConvert { converted[count, default: []] += peerConvert(input, count) }
                speeds[count, default: []].append(Double(report.inputBytes) / 1e6 / time)
                peaks[count] = max(peaks[count] ?? 0, Self.peak())
            }
            let time = try seconds { () throws(ColumnarError) in
                report = try convert(input, output, threads: 1, processor: BenchScreen())
            }
            screened.append(Double(report.inputBytes) / 1e6 / time)
            var values: Int64 = 0
            let reading = try seconds { () throws(ColumnarError) in values = try ReadBench.decode(output) }
            reads.append(Double(values) / reading)
            if let peer = peerRead?(output) { peers.append(Double(values) / peer) }
        }
        func figure(_ metric: String, _ threads: Int, _ value: Double, _ unit: String, floor: Double? = nil)
            -> ColumnarFigure
        {
            ColumnarFigure(
                dataset: data.rawValue, threads: threads, rows: rows, inputBytes: report.inputBytes, metric: metric,
                value: value, unit: unit, floor: floor)
        }
        let floor = Self.median(floors)
        var figures: [ColumnarFigure] = []
        for count in threads {
            figures.append(
                figure("megabytes_per_second", count, Self.median(speeds[count] ?? []), "MB/s", floor: floor))
            figures.append(figure("peak_resident_mb", count, peaks[count] ?? 0, "MB"))
            var least = Double.infinity
            for (name, runs) in Dictionary(grouping: converted[count] ?? [], by: \.name).sorted(by: { $0.key < $1.key })
            {
                let peer = Double(report.inputBytes) / 1e6 / Self.median(runs.map(\.seconds))
                let ratio = Self.median(speeds[count] ?? []) / peer
                least = min(least, ratio)
                figures.append(figure("times_as_fast_as_\(name)", count, ratio, "times"))
                if count == 1, name == "pyarrow", let bytes = runs.last?.outputBytes, bytes > 0 {
                    let share = Double(report.outputBytes) / Double(bytes)
                    figures.append(figure("output_share_of_pyarrow", count, share, "of its file"))
                }
            }
            if least.isFinite { figures.append(figure("times_as_fast_as_the_best", count, least, "times")) }
        }
        let costs = try checkCosts(data, input: input, output: output, progress: progress)
        for (name, cost) in costs.costs { figures.append(figure("\(name)_cost", 1, cost, "of the time without")) }
        if costs.peak > 0 { figures.append(figure("checked_peak_resident_mb", 1, costs.peak, "MB")) }
        figures.append(figure("screened_megabytes_per_second", 1, Self.median(screened), "MB/s", floor: floor))
        figures.append(
            figure("output_share", 1, Double(report.outputBytes) / Double(max(1, report.inputBytes)), "of input"))
        figures.append(
            figure(
                "read_values_per_second", 1, Self.median(reads), "values/s",
                floor: peers.isEmpty ? nil : Self.median(peers)))
        return figures
    }

    /// What rules, a profile and both add, as a share of the processor time of the conversion without: medians of the
    /// ratios of neighbouring runs. Processor time, because it hardly depends on what else the machine does.
    private func checkCosts(
        _ data: BenchData, input: String, output: String, progress: (String) -> Void
    ) throws(ColumnarError) -> (costs: [(name: String, cost: Double)], peak: Double) {
        let checks = try BenchCheck.all(data)
        if checks.isEmpty { return ([], 0) }
        var ratios: [String: [Double]] = [:]
        var peak = 0.0
        for repetition in 1...max(1, repetitions) {
            progress("\(data.rawValue): with rules and profile, run \(repetition) of \(repetitions)")
            // What the run before has freed goes back here too: else only the others would wait for new pages.
            Self.resetPeak()
            let plain = try processorSeconds { () throws(ColumnarError) in
                _ = try convert(input, output, threads: 1, processor: nil)
            }
            for check in checks {
                Self.resetPeak()
                let time = try processorSeconds { () throws(ColumnarError) in
                    let report = try convert(input, output, threads: 1, processor: nil, check: check)
                    try report.quality?.requirePass()
                }
                ratios[check.name, default: []].append(time / plain - 1)
                peak = max(peak, Self.peak())
            }
        }
        return (checks.map { ($0.name, Self.median(ratios[$0.name] ?? [])) }, peak)
    }

    private func processorSeconds(_ body: () throws(ColumnarError) -> Void) throws(ColumnarError) -> Double {
        func now() -> Double {
            var time = timespec()
            clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
            return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
        }
        let start = now()
        try body()
        return now() - start
    }

    private func convert(
        _ input: String, _ output: String, threads: Int, processor: (any RecordProcessor)?, check: BenchCheck? = nil
    ) throws(ColumnarError) -> ConversionReport {
        var options = ConversionOptions()
        options.quality = check?.rules
        options.profile = check?.profile
        options.threads = threads
        options.parquet.compression = compression
        return try CSVConverter.convert(
            from: FileSource(path: input), to: FileSink(path: output), options: options, processor: processor)
    }

    /// Reads a file and finds its fields, which every conversion must do.
    private static func index(_ data: BenchData, _ input: String) throws(ColumnarError) -> Int64 {
        let format: InputFormat = data == .ndjson ? .ndjson : .csv
        let reader = try format.reader(FileSource(path: input), options: ConversionOptions())
        let batch = RecordBatch(capacity: CSVOptions().batchBytes)
        while try reader.next(into: batch) {}
        return reader.bytesRead
    }

    // MARK: measuring

    private func seconds(_ body: () throws(ColumnarError) -> Void) throws(ColumnarError) -> Double {
        let clock = ContinuousClock()
        let start = clock.now
        try body()
        let elapsed = (clock.now - start).components
        return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
    }

    private static func median(_ values: [Double]) -> Double {
        values.isEmpty ? 0 : values.sorted()[values.count / 2]
    }

    /// Sets the peak of resident memory to its present value (proc(5), `clear_refs`).
    private static func resetPeak() {
        // What earlier runs have freed goes back first, so that it does not count. Swift's Glibc module lacks malloc.h.
        if let symbol = dlsym(nil, "malloc_trim") {
            _ = unsafeBitCast(symbol, to: (@convention(c) (Int) -> Int32).self)(0)
        }
        let descriptor = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        _ = Glibc.write(descriptor, "5", 1)
        close(descriptor)
    }

    /// Peak of resident memory in megabytes (10^6 bytes); 0 where the system does not tell.
    private static func peak() -> Double {
        let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return 0 }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 8192)
        let count = read(descriptor, &bytes, bytes.count)
        let text = String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
        guard let line = text.split(separator: "\n").first(where: { $0.hasPrefix("VmHWM:") }) else { return 0 }
        let kilobytes = line.split(separator: " ").compactMap { Double($0) }.first ?? 0
        return kilobytes * 1024 / 1e6
    }
}

/// A processor with a few rules, to see what looking at every record costs.
private final class BenchScreen: RecordProcessor {
    private var columns = 0

    func beginPass(columns: [CSVColumn]) throws(ColumnarError) {
        self.columns = columns.count
    }

    func process(_ record: CSVRecord, derived: inout DerivedValues) throws(ColumnarError) -> RecordDecision {
        guard !record.isNull(0) else { return .reject(.malformedRow, reason: "the first column is null") }
        guard record.bytes(columns - 1).count < 10_000 else { return .reject(.malformedRow, reason: "too long") }
        if let number = record.integer(1), number < 0 { return .reject(.malformedRow, reason: "negative") }
        return .keep
    }
}
