import FunctionKit
import StreamToParquet

@c(sluice_function_entry)
public func entry(_ abi: UInt32) -> UnsafeRawPointer? { Function.module(abi) { StreamToParquet() } }
