import ArgumentParser
import Columnar
import ColumnarHashing
import PlainYAML

/// `--rules`, `--reference`: what records must be.
struct RulesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Quality rules: a ruleset in DQDL (file.dqdl) or a mapping in YAML, as docs/data-quality.md describes them.",
            valueName: "file"))
    var rules: String?

    @Option(
        help: ArgumentHelp(
            "The delimited file of an alias that ReferentialIntegrity names; may be repeated.",
            valueName: "alias=file.csv"))
    var reference: [String] = []

    func validate() throws {
        for reference in reference where reference.split(separator: "=", maxSplits: 1).count != 2 {
            throw ValidationError("--reference takes ALIAS=FILE, not `\(reference)`.")
        }
    }

    /// The files that are read beside the input.
    var files: [Destinations.Named] {
        [("--rules", rules)]
            + reference.map { ("--reference", $0.split(separator: "=", maxSplits: 1).last.map(String.init)) }
    }

    /// The rules with their reference tables; nil where none are asked for.
    func qualityRules() throws -> QualityRules? {
        guard let rules else { return nil }
        let text = String(decoding: try InputFile.bytes(of: rules), as: UTF8.self)
        let isDQDL = rules.hasSuffix(".dqdl")
        guard isDQDL || !QualityRules.isDQDL(text) else {
            throw Failure(
                "\(rules) holds a ruleset in DQDL, and rules are read as YAML unless the file's name ends in .dqdl",
                hint: "give the file such a name")
        }
        var result: QualityRules
        do {
            result =
                try isDQDL
                ? QualityRules(dqdl: text) : PlainYAML.decode(QualityRules.self, from: text)
        } catch let error as ColumnarError {
            throw Failure("\(rules): \(error.message)")
        } catch DecodingError.dataCorrupted(let context) {
            let cause = context.underlyingError as? ColumnarError
            throw Failure("\(rules): \(cause?.message ?? context.debugDescription)")
        } catch {
            throw Failure("\(rules) holds no rules", hint: "docs/data-quality.md shows how they are written")
        }
        var locations = result.referenceLocations
        for reference in reference {
            let parts = reference.split(separator: "=", maxSplits: 1).map(String.init)
            locations[parts[0]] = parts[1]
        }
        let needed = Dictionary(grouping: result.neededReferences, by: \.alias)
        for (alias, uses) in needed {
            guard let path = locations[alias] else {
                throw Failure(
                    "\(rules) refers to the table \"\(alias)\"", hint: "say where it is: --reference \(alias)=file.csv")
            }
            try FileCheck.readable(path)
            result.references[alias] = try ReferenceSet(FileSource(path: path), columns: uses.map(\.columns))
        }
        return result
    }
}

/// `--mask`, `--salt-file`: columns that lose their values.
struct MaskOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Mask a column: redact (***), last4 or sha256; `auto=…` for all that look like personal data. May be repeated.",
            valueName: "column=action"))
    var mask: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file whose first line stands before each value in sha256, so that digests cannot be guessed.",
            valueName: "file"))
    var saltFile: String?

    func validate() throws {
        for mask in mask where mask.split(separator: "=", maxSplits: 1).count != 2 {
            throw ValidationError("--mask takes COLUMN=ACTION, not `\(mask)`.")
        }
        if saltFile != nil, mask.isEmpty { throw ValidationError("--salt-file goes with --mask.") }
        do { _ = try masking(salt: "") } catch { throw ValidationError(error.message) }
    }

    /// The files that are read beside the input.
    var files: [Destinations.Named] { [("--salt-file", saltFile)] }

    func masking() throws -> Masking? {
        guard !mask.isEmpty else { return nil }
        var salt = ""
        if let saltFile {
            let bytes = try InputFile.bytes(of: saltFile)
            salt = String(decoding: bytes.prefix { $0 != 10 && $0 != 13 }, as: UTF8.self)
            guard !salt.isEmpty else {
                throw Failure(
                    "\(saltFile) begins with an empty line, which is no salt", hint: "write it on the first line")
            }
        }
        return try masking(salt: salt)
    }

    private func masking(salt: String) throws(ColumnarError) -> Masking {
        let hash = MaskHash.sha256(salt: salt)
        var masking = Masking()
        for mask in mask {
            let parts = mask.split(separator: "=", maxSplits: 1).map(String.init)
            let action = try Masking.Action(word: parts[1], hash: hash)
            if parts[0] == "auto" { masking.automatic = action } else { masking.columns[parts[0]] = action }
        }
        return masking
    }
}

/// What automatic masks have left, for people.
enum MaskText {
    static func warn(_ columns: [UnmaskedValues]) {
        for column in columns {
            Failure.warn("\(column)", hint: "--mask \(column.column)=redact masks the column")
        }
    }
}
