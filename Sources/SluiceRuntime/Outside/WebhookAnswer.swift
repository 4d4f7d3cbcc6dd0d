import EventModel
import FunctionProtocol
package import Journal

/// What an HTTP answer means for a delivery.
package enum WebhookAnswer {
    /// Success for 2xx. 408, 429 and 5xx are tried again; everything else is not: redirects are not followed, because
    /// they would carry the headers' secrets elsewhere.
    package static func outcome(
        status: Int, body: [UInt8], request: String
    ) -> AttemptReport.Outcome {
        if (200..<300).contains(status) { return .success(body) }
        let said = String(decoding: body.prefix(300), as: UTF8.self).split(whereSeparator: \.isNewline).joined(
            separator: " ")
        let message = "\(request) answered \(status)" + (said.isEmpty ? "" : ": \(said)")
        switch status {
        case 429: return .failure(Failure(code: "WebhookThrottled", message: message, retry: true))
        case 408, 500...: return .failure(Failure(code: "WebhookFailed", message: message, retry: true))
        default: return .failure(Failure(code: "WebhookRejected", message: message, retry: false))
        }
    }

    /// The milliseconds of a `Retry-After` header (RFC 9110, 10.2.3): seconds, or a date. Nil where it says nothing
    /// that can be read; never more than a day.
    package static func retryAfter(_ value: String, now: Milliseconds) -> Int64? {
        let text = value.drop { $0 == " " || $0 == "\t" }.prefix { !$0.isNewline }
        let longest: Int64 = 86_400_000
        if !text.isEmpty, text.allSatisfy({ $0.isASCII && $0.isNumber }) {
            guard let seconds = Int64(text), seconds < longest / 1000 else { return longest }
            return seconds * 1000
        }
        guard let date = date(text) else { return nil }
        return min(longest, max(0, date - now))
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`
    private static func date(_ text: Substring) -> Milliseconds? {
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let words = text.split(separator: " ")
        guard words.count == 6, words[5] == "GMT", words[1].count == 2, words[3].count == 4, words[4].count == 8,
            let month = months.firstIndex(of: String(words[2]))
        else { return nil }
        let number = month < 9 ? "0\(month + 1)" : "\(month + 1)"
        return Timestamp(rfc3339: "\(words[3])-\(number)-\(words[1])T\(words[4])Z").map {
            $0.nanosecondsSinceEpoch / 1_000_000
        }
    }
}
