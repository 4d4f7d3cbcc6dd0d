import FunctionJSON
package import HostAPI

extension HostClient {
    package func listStreams() async throws -> [StreamInfo] {
        try await (get(Routes.listStreams.path()) as Items<StreamInfo>).items
    }

    package func stream(name: String) async throws -> StreamInfo { try await get(Routes.stream.path(name)) }

    package func putRecords(stream: String, submission: RecordSubmission) async throws -> RecordReceipt {
        try await exchange("POST", Routes.putRecords.path(stream), submission.json)
    }

    package func streamPosition(stream: String, start: StreamStart) async throws -> StreamPosition {
        var items = QueryItems()
        start.add(to: &items)
        return try await get(Routes.streamPosition.path(stream), items)
    }

    package func streamRecords(_ query: StreamQuery) async throws -> StreamPage {
        var items = QueryItems()
        query.add(to: &items)
        return try await get(Routes.streamRecords.path(query.stream), items)
    }
}
