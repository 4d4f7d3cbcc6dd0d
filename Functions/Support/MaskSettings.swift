public import Columnar
import ColumnarHashing
import FunctionKit

/// The `mask` of a function's configuration:
/// ```yaml
/// mask:
///   columns: {email: sha256, card: last4, phone: redact}
///   auto: redact
///   saltVariable: MASK_SALT
/// ```
public struct MaskSettings: Codable, Sendable {
    /// By column: `redact`, `last4` or `sha256`.
    public var columns: [String: String]?
    /// The action for all further columns whose first values look like personal data.
    public var auto: String?
    /// The variable of the function's environment that holds the salt of `sha256`; without one there is no salt.
    public var saltVariable: String?

    /// Throws `HandlerError` with code `InvalidConfiguration` for an unknown action or a variable that is not set.
    public func masking(environment: [String: String]) throws -> Masking {
        var salt = ""
        if let saltVariable {
            guard let value = environment[saltVariable], !value.isEmpty else {
                throw HandlerError(
                    code: "InvalidConfiguration",
                    message: "mask: the variable \(saltVariable) is not set; add it to the function's environment",
                    retry: false)
            }
            salt = value
        }
        let hash = MaskHash.sha256(salt: salt)
        do throws(ColumnarError) {
            var masking = Masking()
            for (column, word) in columns ?? [:] {
                masking.columns[column] = try Masking.Action(word: word, hash: hash)
            }
            if let auto { masking.automatic = try Masking.Action(word: auto, hash: hash) }
            return masking
        } catch {
            throw HandlerError(code: "InvalidConfiguration", message: "mask: \(error.message)", retry: false)
        }
    }
}
