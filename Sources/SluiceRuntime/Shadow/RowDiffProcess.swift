import FunctionJSON
package import FunctionProtocol
package import HostAPI

/// Compares the rows of two files in processes of their own (`sluice diff`): what handlers write is nothing that the
/// host should parse.
package final class RowDiffProcess: Sendable {
    /// What one comparison may take.
    private static let limits = ProgramRunner.Limits(seconds: 120, outputBytes: 256 << 20)
    private let runner = ProgramRunner()
    private let program: String

    package init(program: String? = nil) {
        self.program = program ?? ProgramFolder.path + "sluice"
    }

    /// Ends what runs, and lets nothing start any more.
    package func stop() { runner.stop() }

    /// By the key's suffix, `csv` or `parquet`; nil for what has no rows.
    static func format(of key: String) -> String? {
        let name = key.lowercased()
        if name.hasSuffix(".parquet") { return "parquet" }
        for suffix in [".csv", ".tsv", ".csv.gz", ".tsv.gz", ".csv.zst", ".tsv.zst"] where name.hasSuffix(suffix) {
            return "csv"
        }
        return nil
    }

    /// Blocking.
    package func run(
        before: String, after: String, format: String, keys: [String], examples: Int
    ) -> Result<RowDifference, Failure> {
        var arguments = ["diff", before, after, "--json", "--format", format, "--examples", "\(examples)"]
        for key in keys { arguments += ["--key", key] }
        switch runner.run(program, arguments, takesErrors: true, limits: Self.limits) {
        case .failure(let failure) where failure.code == "TimedOut":
            return .failure(Failure(code: "DiffFailed", message: "it took too long"))
        case .failure(let failure): return .failure(failure)
        case .success(let (output, _)):
            // Differences are no failure of the comparison, but of the wish that there be none.
            if let difference = JSONText.decode(RowDifference.self, from: output) { return .success(difference) }
            let line = String(decoding: output, as: UTF8.self).split(separator: "\n").first
            return .failure(Failure(code: "DiffFailed", message: line.map(String.init) ?? "no answer"))
        }
    }
}
