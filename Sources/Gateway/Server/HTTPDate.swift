import Glibc

/// The text of a `Date` field, made once a second.
package struct HTTPDate {
    private var second: time_t = -1
    private var written = ""

    /// Now, as RFC 9110 writes it: `Sun, 06 Nov 1994 08:49:37 GMT`.
    var text: String {
        mutating get {
            let now = time(nil)
            if now != second {
                second = now
                written = Self.text(of: now)
            }
            return written
        }
    }

    package static func text(of second: Int) -> String {
        var second = time_t(second)
        var parts = tm()
        gmtime_r(&second, &parts)
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        func two(_ number: CInt) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
