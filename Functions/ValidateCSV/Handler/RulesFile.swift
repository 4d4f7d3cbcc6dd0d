import Columnar
import FunctionKit
import PlainYAML
import Yams

/// The rules beside the data: `<file>.rules.yaml` or `<file>.rules.dqdl` for `<file>.csv`, else `_rules.yaml` or
/// `_rules.dqdl` in the same folder for all files of the table. The form is that of `QualityRules`, or a ruleset in
/// DQDL.
struct RulesFile {
    /// A longer file is no rules file.
    private static let maximumBytes: Int64 = 1 << 20

    /// `bucket/key`
    var name: String
    var rules: QualityRules

    /// Nil when there is no rules file. Throws `HandlerError` with code `InvalidRules`, naming file and place.
    /// - Parameter origin: `bucket/key` of the file that the rows of a quarantine file come from.
    static func beside(
        _ key: String, in bucket: String, origin: String?, context: Context
    ) async throws -> RulesFile? {
        var keys = [key]
        if let origin, origin.hasPrefix(bucket + "/") { keys.append(String(origin.dropFirst(bucket.count + 1))) }
        for candidate in keys.flatMap(candidates) {
            do {
                let data = try await context.objects.get(bucket, candidate)
                guard data.size <= maximumBytes else {
                    throw HandlerError(
                        code: "InvalidRules", message: "\(bucket)/\(candidate) is longer than \(maximumBytes) bytes",
                        retry: false)
                }
                return RulesFile(
                    name: "\(bucket)/\(candidate)",
                    rules: try decode(try await data.text(), name: "\(bucket)/\(candidate)"))
            } catch HostRefusal.Code.noSuchKey {
                continue
            }
        }
        return nil
    }

    private static func candidates(_ key: String) -> [String] {
        let slash = key.lastIndex(of: "/").map(key.index(after:)) ?? key.startIndex
        let folder = key[..<slash]
        let file = key[slash...]
        let stem = file.lastIndex(of: ".").map { file[..<$0] } ?? file
        return ["\(folder)\(stem).rules", "\(folder)_rules"].flatMap { ["\($0).yaml", "\($0).dqdl"] }
    }

    private static func decode(_ text: String, name: String) throws -> QualityRules {
        do {
            if name.hasSuffix(".dqdl") { return try unwrapped { try QualityRules(dqdl: text) } }
            guard !QualityRules.isDQDL(text) else {
                throw HandlerError(
                    code: "InvalidRules", message: "the file holds a ruleset in DQDL, so its name must end in .dqdl",
                    retry: false)
            }
            return try unwrapped { try PlainYAML.decode(QualityRules.self, from: text.isEmpty ? "{}" : text) }
        } catch let error as HandlerError {
            throw invalid(name, error.message)
        } catch let error as DecodingError {
            throw invalid(name, readable(error))
        }
    }

    private static func invalid(_ name: String, _ problem: String) -> HandlerError {
        HandlerError(
            code: "InvalidRules", message: "\(name): \(problem); correct the file, then redrive", retry: false)
    }

    /// Decodes, and makes Columnar's complaints about a rule, which decoders wrap, errors of their own.
    static func unwrapped<Value>(_ decode: () throws -> Value) throws -> Value {
        do {
            return try decode()
        } catch let error as ColumnarError {
            throw HandlerError(code: "InvalidRules", message: error.message, retry: false)
        } catch let error as DecodingError {
            if case .dataCorrupted(let context) = error, let cause = context.underlyingError as? ColumnarError {
                throw HandlerError(code: "InvalidRules", message: cause.message, retry: false)
            }
            throw error
        }
    }

    /// `columns.amount.min: …`
    private static func readable(_ error: DecodingError) -> String {
        let context: DecodingError.Context
        switch error {
        case .keyNotFound(_, let found), .typeMismatch(_, let found), .valueNotFound(_, let found),
            .dataCorrupted(let found):
            context = found
        @unknown default: return "\(error)"
        }
        if let cause = context.underlyingError as? YamlError { return "\(cause)" }
        let path = context.codingPath.map(\.stringValue).joined(separator: ".")
        return path.isEmpty ? context.debugDescription : "\(path): \(context.debugDescription)"
    }
}
