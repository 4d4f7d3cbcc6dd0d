public import Columnar
public import FunctionKit

extension QualityRules {
    /// Reads the tables that `ReferentialIntegrity` refers to: where `references` says (`bucket/key`), else
    /// `reference/<alias>.csv`.
    ///
    /// Throws `ReferenceMissing` when one is not there, to be tried again by the policy; `InvalidReference` when it
    /// cannot be read or lacks a column.
    public mutating func readReferences(_ context: Context) async throws {
        for (alias, uses) in Dictionary(grouping: neededReferences, by: \.alias) {
            let place = referenceLocations[alias] ?? "reference/\(alias).csv"
            guard let slash = place.firstIndex(of: "/") else {
                throw HandlerError(
                    code: "InvalidRules",
                    message: "the reference \(alias) lies at \"\(place)\", which is no bucket/key",
                    retry: false)
            }
            let (bucket, key) = (String(place[..<slash]), String(place[place.index(after: slash)...]))
            do {
                let data = try await context.objects.get(bucket, key)
                references[alias] = try await data.withDescriptor { descriptor in
                    do throws(ColumnarError) {
                        return try ReferenceSet(
                            FileSource(descriptor: descriptor, name: place), columns: uses.map(\.columns))
                    } catch {
                        throw HandlerError(
                            code: "InvalidReference", message: "the reference \(place): \(error)",
                            retry: error.code == .readFailed ? nil : false)
                    }
                }
            } catch HostRefusal.Code.noSuchKey {
                throw HandlerError(
                    code: "ReferenceMissing",
                    message:
                        "there is no reference \(place), which the rules need as \(alias); put it there, and the file "
                        + "will be tried again or can be redriven")
            }
        }
    }
}
