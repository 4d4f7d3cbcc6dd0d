/// Why an input definition is not valid, or why it gives no input for an event.
package struct TransformError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable: the part of the definition that is at fault.
    package enum Code: String, Sendable, Hashable {
        /// The path is not one of the JSONPath subset that EventBridge has.
        case invalidPath = "InvalidPath"
        /// The name of a variable may not be used.
        case invalidVariable = "InvalidVariable"
        /// The template is not valid.
        case invalidTemplate = "InvalidTemplate"
        /// The constant is not JSON.
        case invalidInput = "InvalidInput"
        /// At delivery: the event lacks what `inputPath` names.
        case pathNotFound = "PathNotFound"
        /// At delivery: the filled template is not JSON.
        case invalidResult = "InvalidResult"
    }

    package var code: Code
    /// What is wrong and why, without a full stop.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
