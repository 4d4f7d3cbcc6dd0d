import FunctionJSON
import Glibc
import HostAPI

/// An event as commands take it: a file's, or one of the host's log.
struct EventArgument {
    /// As the file or the log has it.
    var text: RawJSON
    /// Of an event of the log: the bus that it is on.
    var bus: String?

    static let words =
        "An event's whole envelope in a file, or - for the standard input; or one of the log: an event's id, a record's "
        + "sequence number, or BUCKET/KEY of an object."

    /// Reads the file where there is one; asks the host for everything else.
    static func read(_ name: String, _ host: any HostControl) async throws -> EventArgument {
        // A path from a folder on is no name in the log.
        if name == "-" || name.hasPrefix("/") || name.hasPrefix(".") || access(name, F_OK) == 0 {
            return EventArgument(
                text: try InputFile.json(of: name, hint: "give the file of an event's whole envelope"), bus: nil)
        }
        do {
            let record = try await logged(name, host)
            return EventArgument(text: record.event, bus: record.bus)
        } catch let error as APIError {
            // It names the bucket's file, and that there is none.
            if error.message.hasPrefix("there is no object `\(name)`") { throw error }
            throw Failure(
                "there is no file \(name), and \(error.message)",
                hint: error.code == "NotFound"
                    ? "give a file, -, or an event of the log: `sluice events list` shows their ids" : error.hint)
        }
    }

    private static func logged(_ name: String, _ host: any HostControl) async throws -> EventRecord {
        do {
            return try await host.event(id: name).record
        } catch let error as APIError {
            // What leads to an event otherwise: an object, a record's number.
            guard error.code == "NotFound" else { throw error }
            return try await host.event(id: host.trace(id: name).focus).record
        }
    }
}
