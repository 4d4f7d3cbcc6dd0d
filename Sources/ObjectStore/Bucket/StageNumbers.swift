import Synchronization

/// Running numbers of the attempts that stage in a bucket. A bucket that is opened anew takes them over: what stages
/// there goes on, and a number given twice would make two files one.
final class StageNumbers: Sendable {
    private let numbers = Mutex<[StagingAttempt: Int]>([:])

    func next(of attempt: StagingAttempt) -> Int {
        numbers.withLock { numbers in
            let index = numbers[attempt, default: 0]
            numbers[attempt] = index + 1
            return index
        }
    }

    func forget(_ attempt: StagingAttempt) {
        numbers.withLock { $0[attempt] = nil }
    }
}
