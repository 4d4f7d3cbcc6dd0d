import HostAPI
import Journal
import Logging

/// What the host's own log keeps of its life: when it started and stopped, and who has deployed what.
extension HostRuntime {
    func logStart() {
        if let note = BackupNote.read(in: options.dataFolder) {
            log.notice(
                "this data folder is a backup of \(note.origin), made at \(note.made): the host goes on from there")
        } else if state.wasUnclean, state.boot > 1 {
            log.warning(
                "the host before this one ended without stopping: it was killed, it crashed, or its machine went down")
        }
        log.notice(
            "the host starts",
            metadata: ["boot": "\(state.boot)", "data": "\(options.dataFolder)", "version": "\(Self.version)"])
    }

    /// `who`: nil at the start, which takes what its app folder says.
    func logDeployment(_ deployment: Deployment, by who: String?) {
        log.notice(
            "deployed",
            metadata: [
                "ruleSet": "\(deployment.ruleSet)", "app": "\(deployment.appFolder)",
                "by": "\(who ?? "the start of the host")",
            ])
    }
}
