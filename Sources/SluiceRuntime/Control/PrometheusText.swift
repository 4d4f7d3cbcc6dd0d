/// Metrics in Prometheus' text format, version 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
package struct PrometheusText {
    /// The types of metrics, as the text format names them.
    package enum Kind: String {
        case counter, gauge, histogram
    }

    package private(set) var text = ""
    private var family = ""

    package init() {}

    /// Begins a family of samples; every sample follows its family.
    package mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
        family = name
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    package mutating func add(_ value: Int64, _ labels: [(String, String)] = []) {
        line(family, labels, String(value))
    }

    package mutating func add(_ value: Double, _ labels: [(String, String)] = []) {
        line(family, labels, String(value))
    }

    package mutating func add(_ histogram: Histogram, _ labels: [(String, String)]) {
        var below: Int64 = 0
        for (bound, count) in zip(Histogram.bounds, histogram.counts) {
            below += count
            line(family + "_bucket", labels + [("le", String(bound))], String(below))
        }
        line(family + "_bucket", labels + [("le", "+Inf")], String(histogram.count))
        line(family + "_sum", labels, String(histogram.sum))
        line(family + "_count", labels, String(histogram.count))
    }

    private mutating func line(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escape($1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    private static func escape(_ label: String) -> String {
        var escaped = ""
        for character in label.unicodeScalars {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.unicodeScalars.append(character)
            }
        }
        return escaped
    }
}
