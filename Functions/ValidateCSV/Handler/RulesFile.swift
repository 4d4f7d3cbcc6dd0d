import Columnar
import FunctionKit
import Yams

/// The rules beside the data: `<file>.rules.yaml` for `<file>.csv`, else `_rules.yaml` in the same folder for all files of
/// the table. The form is that of `QualityRules`.
struct RulesFile {
    /// A longer file is no rules file.
    private static let mostBytes: Int64 = 1 << 20

    /// `bucket/key`
    var name: String
    var rules: QualityRules

    /// Nil when there is no rules file. Throws `HandlerError` with code `InvalidRules`, naming file and place.
    static func beside(_ key: String, in bucket: String, context: Context) async throws -> RulesFile? {
        let slash = key.lastIndex(of: "/").map(key.index(after:)) ?? key.startIndex
        let folder = key[..<slash]
        let file = key[slash...]
        let stem = file.lastIndex(of: ".").map { file[..<$0] } ?? file
        for candidate in ["\(folder)\(stem).rules.yaml", "\(folder)_rules.yaml"] {
            do {
                let data = try await context.objects.get(bucket, candidate)
                guard data.size <= mostBytes else {
                    throw HandlerError(
                        code: "InvalidRules", message: "\(bucket)/\(candidate) is longer than \(mostBytes) bytes",
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

    private static func decode(_ text: String, name: String) throws -> QualityRules {
        do {
            return try unwrapped { try YAMLDecoder().decode(QualityRules.self, from: text.isEmpty ? "{}" : text) }
        } catch let error as YamlError {
            throw invalid(name, "\(error)")
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
