import HostAPI
import Journal
import Logging
import ObjectStore
import UVLoop

extension HostRuntime {
    /// Makes events for what a bucket already has beneath `prefix`, in pages, at most `rate` a second.
    func trigger(bucket: String, prefix: String, rate: Double?) {
        Task { @LoopActor in
            var after: String?
            while phase != .stopping {
                let (journal, announcer, from) = (journal, announcer, after)
                let limit = RequestedRate.page(at: rate, most: 500)
                do {
                    let page = try await files.run { () throws -> [ObjectRecord] in
                        let page = try journal.objects(bucket: bucket, prefix: prefix, after: from, limit: limit)
                        if !page.isEmpty { try announcer.announceAgain(page) }
                        return page
                    }
                    guard page.count == limit, let last = page.last else { return }
                    after = last.key
                } catch {
                    log.error(
                        "`buckets trigger` stopped",
                        metadata: ["bucket": "\(bucket)", "after": "\(after ?? "")", "error": "\(error)"])
                    return
                }
                if let rate {
                    await LoopPause.sleep(
                        milliseconds: RequestedRate.milliseconds(of: limit, at: rate), while: { phase != .stopping })
                }
            }
        }
    }
}
