import HostAPI
import SluiceRuntime
import Testing

@Suite("Turns of backups")
struct BackupTurnTests {
    @Test("One is made at a time; a host that stops ends it, and begins none")
    func turns() throws {
        let turn = BackupTurn()
        try turn.begin()
        #expect { try turn.begin() } throws: { ($0 as? APIError)?.status == 409 }
        turn.end()
        try turn.begin()
        #expect(!turn.isStopped)
        turn.stop()
        #expect(turn.isStopped)
        turn.end()
        #expect { try turn.begin() } throws: { ($0 as? APIError)?.status == 503 }
    }
}
