import Gateway
import Glibc
import HostAPI
import Testing

/// What commands say of a folder that a host holds and does not answer from.
@Suite("Hosts that do not answer yet", .timeLimit(.minutes(1)))
struct FolderHolderTests {
    /// A data folder whose lock this process holds.
    private final class Held {
        let folder = Harness.temporaryFolder()
        private let lock: Int32

        init() {
            mkdir(folder + "/journal", 0o700)
            lock = open(folder + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
            flock(lock, LOCK_EX | LOCK_NB)
            write("lock", "\(getpid())\n")
        }

        func write(_ name: String, _ text: String) {
            let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
            _ = Glibc.write(file, text, text.utf8.count)
            close(file)
        }

        func release() { flock(lock, LOCK_UN) }

        deinit {
            close(lock)
            for name in ["lock", "starting"] { unlink("\(folder)/\(name)") }
            rmdir(folder + "/journal")
            rmdir(folder)
        }
    }

    private func refusal(_ folder: String) async -> APIError? {
        await #expect(throws: APIError.self) { try await HostClient(dataFolder: folder).health() }
    }

    @Test("A host that starts is named with what it is doing; another process's words are none of its")
    func starting() async {
        let held = Held()
        let early = await refusal(held.folder)
        #expect(
            early?.message == "process \(getpid()) holds \(held.folder) and does not answer: its host starts or stops")
        held.write("starting", "\(getpid())\nlooking through bucket reports, 2 of 5\n")
        let starting = await refusal(held.folder)
        #expect(
            starting?.message
                == "the host on \(held.folder) is starting (process \(getpid())): looking through bucket reports, 2 of 5"
        )
        held.write("starting", "1\nlooking through bucket reports, 2 of 5\n")
        #expect(await refusal(held.folder)?.message == early?.message)
        held.release()
        #expect(await refusal(held.folder)?.message == "no host is running on \(held.folder)")
    }
}
