import HostAPI

/// Groups of dead letters where the host has none ready: those of a time range, or with certain events.
enum LetterGroups {
    static func made(
        of selection: DeadLetterSelection, _ host: any HostControl
    ) async throws -> [DeadLetterGroupInfo] {
        struct Kind: Hashable {
            var function: String
            var code: String
            var fingerprint: String
            var ranBy: String?
        }
        var groups: [Kind: DeadLetterGroupInfo] = [:]
        var after: String?
        repeat {
            let page = try await host.listDeadLetters(
                selection, page: PageRequest(limit: PageRequest.maximumLimit, after: after))
            for letter in page.items {
                let kind = Kind(
                    function: letter.function, code: letter.code, fingerprint: letter.fingerprint, ranBy: letter.ranBy)
                guard var group = groups[kind] else {
                    groups[kind] = DeadLetterGroupInfo(
                        function: letter.function, code: letter.code, fingerprint: letter.fingerprint,
                        message: letter.message, count: 1, first: letter.died, last: letter.died,
                        ranBy: letter.ranBy)
                    continue
                }
                group.count += 1
                group.first = min(group.first, letter.died)
                if letter.died >= group.last { (group.last, group.message) = (letter.died, letter.message) }
                groups[kind] = group
            }
            after = page.items.isEmpty ? nil : page.next
        } while after != nil
        return groups.values.sorted {
            ($0.function, $0.code, $0.fingerprint) < ($1.function, $1.code, $1.fingerprint)
        }
    }
}
