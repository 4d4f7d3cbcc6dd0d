/// `onSuccess` and `onFailure`: the buses that hear of a function's outcomes.
package struct Destinations: Codable, Sendable, Hashable {
    /// The bus for outcomes that succeeded; nil: nobody hears.
    package var onSuccess: String?
    /// The bus for deliveries that were given up.
    package var onFailure: String?

    package init(onSuccess: String? = nil, onFailure: String? = nil) {
        self.onSuccess = onSuccess
        self.onFailure = onFailure
    }

    package var isEmpty: Bool { onSuccess == nil && onFailure == nil }

    /// What a target says, and where it says nothing what its function says.
    package func filled(from function: Destinations) -> Destinations {
        Destinations(onSuccess: onSuccess ?? function.onSuccess, onFailure: onFailure ?? function.onFailure)
    }
}
