import FunctionProtocol
package import Journal
package import ObjectStore
import UVLoop

extension Publisher {
    /// The index knows the files now, or they are not there: the watcher need not leave them to us any more.
    func forget(_ decision: Decision) {
        for (name, publications) in Dictionary(grouping: decision.publications, by: \.bucket) {
            buckets[name]?.publications.remove(publications)
        }
    }

    /// Removes an attempt's staging folders.
    func discardStaging(of context: AttemptContext) {
        guard !context.effects.stages.isEmpty else { return }
        discardStaging(context.id.staging, buckets: Set(context.effects.stages.values.map(\.bucket)))
    }

    /// Removes the files of an outcome that was kept and is given up.
    func discardStaging(of decision: Decision) {
        discardStaging(decision.staging, buckets: decision.buckets)
    }

    func discardStaging(_ attempt: StagingAttempt, buckets names: Set<String>) {
        let buckets = buckets
        files.perform {
            for name in names { buckets[name]?.discard(attempt) }
        }
    }

    /// The names that the operations decide about.
    static func names(of operations: [EffectSet.Effect]) -> Set<String> {
        var names: Set<String> = []
        for effect in operations {
            switch effect.operation {
            case .put(_, let to, _): names.insert(Decision.lock(bucket: to.bucket, key: to.key))
            case .delete(let what, _): names.insert(Decision.lock(bucket: what.bucket, key: what.key))
            case .register(let request):
                names.insert(Decision.lock(database: request.database, table: request.table))
            case .event, .record: break
            }
        }
        return names
    }
}

extension AttemptID {
    /// The name of the attempt's staging folders.
    package var staging: StagingAttempt { StagingAttempt(boot: boot, number: number) }
}
