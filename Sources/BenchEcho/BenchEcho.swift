import FunctionKit

/// The function that `sluice bench` runs: takes any event and answers nothing, so that what is measured is the way
/// there.
private struct BenchEcho: BytesHandler {
    func handle(_ payload: [UInt8], context: Context) async throws -> [UInt8] { [] }
}

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { BenchEcho() } }
