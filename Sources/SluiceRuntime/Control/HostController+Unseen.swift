import AppConfig
import HostAPI
import ObjectStore

extension HostController {
    /// Why the index does not have an object that somebody asks for.
    func unseen(_ bucket: String, _ key: String) async -> APIError {
        let name = "\(bucket)/\(key)"
        guard let found = await host.bucket(named: bucket) else {
            let names = await host.deployment.app.buckets.map(\.name)
            return .notFound("bucket", bucket, hint: NearestName.hint(for: bucket, among: names, known: "the buckets"))
        }
        func error(_ message: String, _ hint: String) -> APIError {
            APIError(status: 404, code: "NotFound", message: message, hint: hint)
        }
        switch await files.run({ found.absence(of: key) }) {
        case .noKey(let flaw):
            return error("\(name) is no object: the key \(flaw)", "name it BUCKET/KEY")
        case .nothing:
            return error(
                "there is no object `\(name)`, and no file \(found.path)/\(key)",
                "`sluice events list` shows what came and went")
        case .folder: return error("\(name) is a folder", "name a file in it")
        case .ignored:
            return error(
                "\(name) is a file whose name the bucket ignores: it is no object",
                "rename it when it is complete; `ignore` in sluice.yaml has the bucket's own patterns, the usual ones are "
                    + IgnoreRules.defaults.joined(separator: " "))
        case .refused(let reason):
            return error("\(name) is no object: it is \(reason)", "put a copy of it in its place")
        case .beingWritten:
            return error(
                "\(name) is still being written: it becomes an object when its writer closes it",
                "try again when it is complete; `fuser -v \(found.path)/\(key)` shows who writes")
        case .changedLately(let quiet):
            return error(
                "\(name) is there, was changed just now, and is not taken up yet",
                "try again in a moment; on a disk that reports no changes (a network disk) a file becomes an object when "
                    + "it has been left alone for `quiet`, here \(quiet), so one that is written to all "
                    + "the time never does")
        case .pending:
            return error(
                "\(name) is there and not taken up yet",
                "try again in a moment; if it stays so, `sluice buckets list` and `sluice status` say what is wrong with "
                    + "the bucket")
        }
    }
}

extension HostRuntime {
    fileprivate func bucket(named name: String) -> Bucket? { buckets[name] }
}
