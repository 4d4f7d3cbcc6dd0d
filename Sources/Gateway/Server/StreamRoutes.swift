import HostAPI
import Hummingbird

/// The routes of streams. Records are read and written by hand: they are many, and data is not for us to look at.
enum StreamRoutes {
    static func add(to router: Router<GatewayRoutes.Context>, _ control: any HostControl) {
        GatewayRoutes.answer(Routes.listStreams, on: router) { _ in Items(try await control.listStreams()) }
        GatewayRoutes.answer(Routes.stream, on: router) { try await control.stream(name: $0.parameter("stream")) }
        GatewayRoutes.answerBytes(Routes.putRecords, on: router) { call in
            let stream = try call.parameter("stream")
            let submission = try RecordSubmission(json: try await call.bytes())
            guard (1...RecordSubmission.maximumRecords).contains(submission.records.count) else {
                throw APIError.invalidRequest(
                    "a submission must have between 1 and \(RecordSubmission.maximumRecords) records, this one has "
                        + "\(submission.records.count)")
            }
            return try await control.putRecords(stream: stream, submission: submission).json
        }
        GatewayRoutes.answer(Routes.streamPosition, on: router) { call in
            try await control.streamPosition(
                stream: call.parameter("stream"), start: StreamStart(query: call.query))
        }
        GatewayRoutes.answerBytes(Routes.streamRecords, on: router) { call in
            try await control.streamRecords(StreamQuery(stream: call.parameter("stream"), query: call.query)).json
        }
    }
}
