import FunctionJSON
import FunctionProtocol

extension Context {
    /// Sends events to buses. They are appended when the invocation succeeds, and never otherwise.
    public struct Events: Sendable {
        let context: Context

        /// Sends an event with a detail of any encodable type that becomes a JSON object. Returns the event's id.
        ///
        /// `bus` nil is the default bus; `time` nil is the moment of acceptance. Throws `HostRefusal` (`InvalidEvent`:
        /// what EventBridge would refuse too, such as an empty source).
        @discardableResult
        public func put<Detail: Encodable>(
            source: String, detailType: String, detail: Detail, resources: [String] = [], bus: String? = nil,
            time: Timestamp? = nil
        ) async throws -> String {
            let entry = try Entry(
                source: source, detailType: detailType, detail: detail, resources: resources, bus: bus, time: time)
            return try await put([entry]).first ?? ""
        }

        /// Sends several events in one call. Returns their ids, in order.
        public func put(_ entries: [Entry]) async throws -> [String] {
            let request = PutEventsRequest(entries: entries.map(\.wire), record: context.record)
            let reply = try context.scope.call(.putEvents, request, reply: PutEventsReply.self)
            guard reply.eventIDs.count == entries.count else {
                throw HostRefusal(
                    code: .malformedReply,
                    message: "the host answered \(reply.eventIDs.count) ids to \(entries.count) events")
            }
            return reply.eventIDs
        }
    }
}

extension Context.Events {
    /// An event to send.
    public struct Entry: Sendable {
        let wire: PutEventsRequest.Entry

        /// With a typed detail.
        public init<Detail: Encodable>(
            source: String, detailType: String, detail: Detail, resources: [String] = [], bus: String? = nil,
            time: Timestamp? = nil
        ) throws {
            self.init(
                source: source, detailType: detailType, rawDetail: try TapeEncoder().encode(detail),
                resources: resources, bus: bus, time: time)
        }

        /// With a detail that is a JSON object as bytes already.
        public init(
            source: String, detailType: String, rawDetail: [UInt8], resources: [String] = [], bus: String? = nil,
            time: Timestamp? = nil
        ) {
            wire = PutEventsRequest.Entry(
                bus: bus, source: source, detailType: detailType, detail: String(decoding: rawDetail, as: UTF8.self),
                resources: resources, time: time?.description)
        }
    }
}
