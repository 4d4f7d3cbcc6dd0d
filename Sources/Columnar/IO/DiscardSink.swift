/// Loses what is written: where only a report or a profile is wanted.
public final class DiscardSink: ByteSink {
    public init() {}

    public func write(_ bytes: UnsafeRawBufferPointer) throws(ColumnarError) {}

    public func reset() throws(ColumnarError) {}
}
