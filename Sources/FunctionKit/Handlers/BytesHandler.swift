/// A handler without types: the payload as it was delivered, any bytes back.
public protocol BytesHandler: FunctionHandler {
    /// One event. What is returned is kept with the invocation.
    func handle(_ payload: [UInt8], context: Context) async throws -> [UInt8]
}

extension BytesHandler {
    public func respond(to payload: [UInt8], context: Context) async throws -> FunctionResponse {
        .output(try await handle(payload, context: context))
    }
}
