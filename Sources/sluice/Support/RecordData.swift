import EventModel
import FunctionJSON

extension Output {
    /// What a stream's record carries, under a heading of its own; nothing for an event of a bus.
    func data(of payload: RawJSON) {
        guard let record = StreamRecordText.Parts(parsing: payload.bytes), let data = Base64.decode(record.data) else {
            return
        }
        heading("Data")
        if let value = try? RawJSON(data) {
            json(value)
        } else {
            line("  " + StreamText.data(data, style))
        }
    }
}
