import ArgumentParser
import Glibc
import HostAPI

/// A moment on the command line: RFC 3339, a date, or how long ago (`90s`, `30m`, `2h`, `7d`), or `now`.
struct MomentArgument: ExpressibleByArgument, Sendable {
    let time: APITime

    init?(argument: String) {
        self.init(argument, now: Self.now)
    }

    init?(_ text: String, now: APITime) {
        if text == "now" {
            time = now
        } else if let exact = APITime(rfc3339: text) ?? APITime(rfc3339: text + "T00:00:00Z") {
            time = exact
        } else if let unit = text.last, let count = Int64(text.dropLast()), count >= 0, count < 1_000_000_000,
            let seconds = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800][String(unit)].map(Int64.init)
        {
            time = APITime(milliseconds: now.milliseconds - count * seconds * 1000)
        } else {
            return nil
        }
    }

    static var now: APITime { APITime(milliseconds: Human.now()) }

    static let words = "RFC 3339 (2026-11-21T04:05:06Z), a date, or how long ago: 90s, 30m, 2h, 7d"
}

/// `--since`, `--until`: a period of time.
struct PeriodOption: ParsableArguments {
    @Option(name: .long, help: ArgumentHelp("From then on: \(MomentArgument.words).", valueName: "time"))
    var since: MomentArgument?
    @Option(name: .long, help: ArgumentHelp("Before then; the same forms.", valueName: "time"))
    var until: MomentArgument?
}

/// Who asks, for audit trails: the user's name and this machine's.
enum Requester {
    static var name: String {
        var host = [CChar](repeating: 0, count: 256)
        _ = gethostname(&host, host.count - 1)
        let machine = String(decoding: host.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let user = getpwuid(getuid()).flatMap { $0.pointee.pw_name.map { String(cString: $0) } } ?? "uid \(getuid())"
        return "\(user)@\(machine)"
    }
}

/// `--event-pattern`: JSON, or a file with it as `@FILE`.
struct PatternOption: ParsableArguments {
    @Option(
        name: .long,
        help: ArgumentHelp("Whose event matches this pattern: JSON, or @FILE.", valueName: "pattern"))
    var eventPattern: String?

    func text() throws -> String? {
        guard let eventPattern else { return nil }
        guard eventPattern.hasPrefix("@") else { return eventPattern }
        return String(decoding: try InputFile.bytes(of: String(eventPattern.dropFirst())), as: UTF8.self)
    }
}
