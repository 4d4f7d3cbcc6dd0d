import FunctionKit
import StreamFixtures

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { StopperHandler() } }
