import CLinux
import Glibc

extension WatcherLoop {
    /// Turns what inotify has reported into keys to look at and folders to scan; false when it does not, because
    /// nothing can be committed and too much waits already. What waits with the reader then is bounded there.
    @discardableResult
    func takeEvents() -> Bool {
        shared.wake.lower()
        guard let reader else { return true }
        lookAtMountsIfDue()
        isUntaken = isFull
        if isUntaken { return false }
        let (bytes, lost, mounted) = reader.take()
        if lost { overflowed() }
        InotifyEvent.forEach(in: bytes) { handle($0) }
        if mounted {
            mountsDue = min(mountsDue, lastMountsLook + Self.mountsInterval)
            lookAtMountsIfDue()
        }
        return true
    }

    /// Nothing gets further, and much waits: what is reported meanwhile waits with the reader.
    var isFull: Bool { (isHeldUp || isBlind) && queue.count + later.count >= waitingLimit }

    /// Where a mount came or went another folder is, or another file. A machine that starts a hundred containers mounts
    /// thousands of times: one look is for all of them.
    func lookAtMountsIfDue() {
        let now = Clock.monotonic
        guard now >= mountsDue else { return }
        lastMountsLook = now
        guard let changed = mounts.update(below: bucket.root) else {
            // Nobody says again that something was mounted.
            mountsDue = now + Self.mountsPause
            return
        }
        mountsDue = .max
        for path in changed where ObjectKey.flaw(in: path) == nil {
            drop(folder: path)
            forgetRefused(below: path)
            want(path)
            queue.add(path, .scanned)
        }
    }

    private func overflowed() {
        status.overflows += 1
        fullScanWanted = true
    }

    private func handle(_ event: InotifyEvent) {
        if event.has(IN_Q_OVERFLOW) { return overflowed() }
        guard let folder = watches.path(event.watch) else { return }
        if event.has(IN_IGNORED) {
            watches.forget(event.watch)
            // Nobody here has asked for that: the folder was deleted, or its disk unmounted.
            if !folder.isEmpty { want(folder) }
            return
        }
        if folder.isEmpty, event.has(IN_UNMOUNT) || event.has(IN_DELETE_SELF) || event.has(IN_MOVE_SELF) {
            // The bucket itself: its objects are not deleted, they are out of reach.
            lost = true
            return
        }
        // Below, a folder's parent reports the same.
        if event.name.isEmpty || event.name.first == UInt8(ascii: ".") { return }
        guard let name = String(validating: event.name, as: UTF8.self) else {
            let path = Self.path(folder, String(decoding: event.name, as: UTF8.self))
            if event.has(IN_DELETE) || event.has(IN_MOVED_FROM) {
                refused[ByteKey(path)] = nil
            } else if event.has(IN_CREATE) || event.has(IN_MOVED_TO) {
                refuse(path, RefusedReason.notUTF8)
            }
            return
        }
        let path = Self.path(folder, name)
        if event.isFolder {
            handleFolder(event, path)
        } else {
            handleFile(event, path)
        }
    }

    private func handleFolder(_ event: InotifyEvent, _ path: String) {
        if bucket.configuration.ignore.ignores(folderName: event.name) { return }
        if event.has(IN_MOVED_FROM) {
            // It keeps reporting from wherever it went: first its watches go, then its keys.
            drop(folder: path)
            forgetRefused(below: path)
            want(path)
        } else if event.has(IN_DELETE) {
            leave(path)
            forgetRefused(below: path)
            // Its files were reported one by one, unless it was not watched.
            want(path)
        } else if event.has(IN_CREATE) || event.has(IN_MOVED_TO) {
            want(path)
        } else if event.has(IN_ATTRIB), refused[ByteKey(path + "/")] != nil {
            // It could not be read; perhaps now it can.
            want(path)
        }
    }

    private func handleFile(_ event: InotifyEvent, _ path: String) {
        var cause: LookCause = []
        if event.has(IN_CLOSE_WRITE) { cause.insert(.closed) }
        if event.has(IN_MOVED_TO) { cause.insert(.arrived) }
        if event.has(IN_CREATE) { cause.insert(.linked) }
        if event.has(IN_DELETE) || event.has(IN_MOVED_FROM) { cause.insert(.gone) }
        if event.has(IN_ATTRIB) { cause.insert(.attributes) }
        if cause.isEmpty { return }
        if path.utf8.count > ObjectKey.maximumBytes {
            if !cause.contains(.gone) { refuse(path, "the path is longer than \(ObjectKey.maximumBytes) bytes") }
            return
        }
        queue.add(path, cause)
    }

    static func path(_ folder: String, _ name: String) -> String {
        folder.isEmpty ? name : "\(folder)/\(name)"
    }

    // MARK: Watches

    /// Called by scans when they have a folder open and before they read it.
    func watch(_ folder: String, _ descriptor: Int32) {
        if !refused.isEmpty { refused[ByteKey(folder + "/")] = nil }
        guard let reader else { return }
        var watch: Int32 = -1
        var reason = "the limit fs.inotify.max_user_watches is reached; raise it with sysctl"
        let kind = FileSystemKind(magic: clinux_file_system_type(descriptor))
        if !kind.reportsChanges {
            // Mounted there: a watch would be given, and tell of this machine's changes alone.
            reason = "\(kind.name) does not report changes"
            // As with the system's limit, a watch that is there is not one more.
        } else if watchLimit.map({ watches.count < $0 || watches.contains(folder) }) ?? true {
            watch = clinux_inotify_watch_folder(reader.descriptor, descriptor)
            if watch < 0, errno != ENOSPC { reason = "it cannot be watched: \(SystemError.last("", "").reason)" }
        }
        let key = ByteKey(folder)
        if folder.isEmpty { unwatchedRoot = watch < 0 ? reason : nil }
        if watch >= 0 {
            watches.set(watch, folder)
            polled[key] = nil
        } else if folder.isEmpty || !isPolled(folder) {
            polled[key] = reason
            if nextPoll == .max { nextPoll = Clock.monotonic + bucket.configuration.pollInterval.nanoseconds }
        }
    }

    /// Whether it is looked through with a folder that is noted. That the whole bucket is, because it could not be
    /// read, ends with the scan that runs.
    private func isPolled(_ folder: String) -> Bool {
        unwatchedRoot != nil || polled[ByteKey(folder)] != nil || isBelowPolled(folder)
    }

    /// Whether one of the folders that a path lies in is looked through from time to time.
    func isBelowPolled(_ path: String) -> Bool {
        if polled.isEmpty { return false }
        let slash = UInt8(ascii: "/")
        var rest = path.utf8[...]
        while let end = rest.lastIndex(of: slash) {
            rest = rest[..<end]
            if polled[ByteKey(String(Substring(rest)))] != nil { return true }
        }
        return false
    }

    /// A folder that is to be looked through from time to time until it can be read.
    func poll(_ folder: String, _ reason: String) {
        if folder.isEmpty { unreadRoot = reason }
        polled[ByteKey(folder)] = reason
        if nextPoll == .max { nextPoll = Clock.monotonic + bucket.configuration.pollInterval.nanoseconds }
    }

    /// A scan that goes on in a folder that was moved would watch what is below under the old name.
    private func leave(_ folder: String) {
        fullScan?.leave(folder)
        // Those behind it have not begun.
        folderScans.first?.leave(folder)
    }

    private func drop(folder: String) {
        leave(folder)
        for watch in watches.drop(folder: folder) { unwatch(watch) }
        polled = polled.filter { entry, _ in
            !entry.string.isSameBytes(as: folder) && !entry.string.hasBytePrefix(folder + "/")
        }
    }

    /// What was refused in a folder is not there any more with the folder.
    private func forgetRefused(below folder: String) {
        guard !refused.isEmpty else { return }
        refused = refused.filter { entry, _ in !entry.string.hasBytePrefix(folder + "/") }
    }

    func unwatch(_ watch: Int32) {
        if let reader { _ = clinux_inotify_unwatch(reader.descriptor, watch) }
    }
}
