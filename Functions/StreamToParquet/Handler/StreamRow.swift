import Columnar
import FunctionJSON
import FunctionKit

/// The row that a record becomes: its JSON object on one line, with what the stream knows of it at the end.
struct StreamRow {
    private let arrival: String?
    private let partitionKey: String?
    private let sequenceNumber: String?

    init(_ configuration: StreamToParquet.Configuration) {
        arrival = configuration.arrivalColumn
        partitionKey = configuration.partitionKeyColumn
        sequenceNumber = configuration.sequenceNumberColumn
    }

    static func tableName(_ stream: String) -> String { ColumnName.normalized(stream) }

    /// Throws `HandlerError` with code `InvalidRecord`, for good, for data that is no JSON object.
    func line(_ record: StreamRecord) throws(HandlerError) -> [UInt8] {
        let root: JSONNode
        do {
            root = try JSONDocument(parsing: record.data).root
        } catch {
            throw Self.refusal(record, "is no JSON: \(error)")
        }
        guard root.kind == .object else { throw Self.refusal(record, "is JSON, but no object") }
        // Line feeds can only be white space between the members: within texts they are escaped.
        var line = root.sourceBytes.map {
            $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") ? UInt8(ascii: " ") : $0
        }
        line.removeLast()
        var isEmpty = root.count == 0
        func add(_ name: String?, _ value: @autoclosure () -> String) {
            guard let name, root[name] == nil else { return }
            if !isEmpty { line.append(UInt8(ascii: ",")) }
            isEmpty = false
            JSONWriter.append(string: name, to: &line)
            line.append(UInt8(ascii: ":"))
            JSONWriter.append(string: value(), to: &line)
        }
        add(arrival, record.arrival.rfc3339(fractionDigits: 3))
        add(partitionKey, record.partitionKey)
        add(sequenceNumber, record.sequenceNumber)
        line.append(UInt8(ascii: "}"))
        return line
    }

    private static func refusal(_ record: StreamRecord, _ problem: String) -> HandlerError {
        HandlerError(
            code: "InvalidRecord",
            message: "the data of record \(record.sequenceNumber) of stream \(record.streamName), partition key "
                + "\"\(record.partitionKey)\", \(problem); a row of a table needs an object",
            retry: false)
    }
}
