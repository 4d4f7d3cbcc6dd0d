import Columnar
import FunctionJSON
import FunctionKit

/// What a load does with records besides converting them: rules, masks, a profile.
struct LoadChecks: Sendable {
    private let rules: QualityRules?
    private let mask: MaskSettings?
    private let profiles: Bool

    /// Throws `HandlerError` with code `InvalidConfiguration` for what does not go together.
    init(_ settings: TableLoader.Settings) throws {
        rules = settings.rules
        mask = settings.mask
        profiles = settings.profile ?? false
        if profiles, settings.partitionBy != nil || settings.fileBytes != nil {
            throw HandlerError(
                code: "InvalidConfiguration", message: "profile: true does not go with partitionBy or fileBytes",
                retry: false)
        }
    }

    func apply(to options: inout ConversionOptions, _ context: Context) async throws {
        options.quality = rules
        try await options.quality?.readReferences(context)
        options.masking = try mask?.masking(environment: context.environment)
        if profiles { options.profile = 10 }
    }

    /// Puts the profile beside the table's files, with a name that readers of the folder pass over.
    /// - Returns: `bucket/key`; nil where no profile was made.
    func putProfile(
        _ report: ConversionReport, bucket: String, prefix: String, _ names: SourceName, _ context: Context
    ) async throws -> String? {
        guard let profile = report.profile else { return nil }
        let key = "\(prefix)_\(names.text).profile.json"
        try await context.objects.put(
            bucket, key, try TapeEncoder().encode(profile.withoutPersonalData), overwrite: true)
        return "\(bucket)/\(key)"
    }
}
