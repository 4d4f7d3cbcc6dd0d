import Foundation
import Testing

/// Checks Parquet files made of JSON with `Tests/Tools/verify_parquet.py`, many files in one process.
enum JSONChecker {
    struct Job: Encodable {
        var parquet: String
        var json: String
        var skip: [Int]?
        var types: [String: String]?
    }

    /// Records an issue for each file that is not right.
    static func check(_ jobs: [Job], in folder: URL, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let list = try JSONEncoder().encode(jobs)
        try ParquetChecker.check(jobs: list, count: jobs.count, in: folder, sourceLocation: sourceLocation)
    }
}

/// Makes random records: a random schema, and values of it with everything that JSON allows.
struct RandomJSON {
    /// What values stand in a place.
    private indirect enum Place {
        case integer, smallInteger, largeInteger, price, double, exact, boolean, date, timestamp, instant, time
        case word, unique, text, null, mixed, emptyObject
        case list(Place)
        case object([(name: String, place: Place, share: Double)])
    }

    private var random: SeededGenerator
    private var text = ""
    /// Whether records may have line ends within.
    private let isSpaced: Bool
    private let nullShare: Double
    /// Of names within records, those that are written in capitals, or once more in capitals.
    private let capitalShare: Double
    /// Of texts that would else be dates and times.
    private let emptyShare: Double

    /// - Parameter form: "ndjson", "list" or "sequence".
    static func make(seed: UInt64, form: String) -> String {
        var maker = RandomJSON(seed: seed, isSpaced: form != "ndjson")
        return maker.file(form)
    }

    private init(seed: UInt64, isSpaced: Bool) {
        random = SeededGenerator(seed: seed)
        self.isSpaced = isSpaced
        nullShare = [0.0, 0.05, 0.5].randomElement(using: &random) ?? 0
        capitalShare = [0, 0, 0.02].randomElement(using: &random) ?? 0
        emptyShare = [0, 0, 0.002, 0.1].randomElement(using: &random) ?? 0
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &random) }
    private mutating func chance(_ share: Double) -> Bool { Double.random(in: 0..<1, using: &random) < share }

    private mutating func file(_ form: String) -> String {
        let rows = [1, 2, 9, 100, 700].randomElement(using: &random) ?? 1
        let record = object(level: 0)
        if chance(0.2) { text = "\u{FEFF}" }
        if form == "list" { text += chance(0.5) ? "[" : " \n[\n" }
        for row in 0..<rows {
            write(record, row, level: 0)
            switch form {
            case "list": text += row < rows - 1 ? [",", ",\n", " , "].randomElement(using: &random) ?? "," : ""
            case "ndjson":
                if chance(0.1) { text += " \t" }
                text +=
                    row < rows - 1 || chance(0.7)
                    ? ["\n", "\n", "\r\n", "\n\n", "\n  \n"].randomElement(using: &random) ?? "\n" : ""
            default: text += ["\n", " ", "", "\r\n\t"].randomElement(using: &random) ?? "\n"
            }
        }
        if form == "list" { text += chance(0.5) ? "]" : "\n] \n" }
        return text
    }

    private mutating func object(level: Int) -> Place {
        let names = [
            "id", "name", "Total Amount", "tags", "items", "a", "verylongfieldname_with_many_letters", "x1", "ünï",
            "quo\"te", "back\\slash", "tab\there", "12345678", "1234567", "123456789", "_", "Ö", "emoji😀", "price",
            "at",
        ]
        var used: Set<String> = []
        var fields: [(name: String, place: Place, share: Double)] = []
        for _ in 0..<1 + below(level == 0 ? 9 : 4) {
            guard let name = names.randomElement(using: &random) else { continue }
            let normalized = String(
                name.lowercased().map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") ? $0 : "_" })
            guard used.insert(normalized).inserted else { continue }
            fields.append((name, place(level: level + 1), [1, 1, 0.9, 0.3, 0.01].randomElement(using: &random) ?? 1))
        }
        return .object(fields)
    }

    private mutating func place(level: Int) -> Place {
        let plain: [Place] = [
            .integer, .smallInteger, .largeInteger, .price, .double, .exact, .boolean, .date, .timestamp, .instant,
            .time,
            .word, .word, .unique, .text, .null, .mixed, .emptyObject,
        ]
        if level < 5, chance(level == 1 ? 0.4 : 0.3) {
            return chance(0.5) ? .list(place(level: level + 1)) : object(level: level)
        }
        return plain.randomElement(using: &random) ?? .word
    }

    private mutating func space() {
        guard chance(0.15) else { return }
        text += (isSpaced ? [" ", "\n", "\t\r\n  "] : [" ", "\t", "   "]).randomElement(using: &random) ?? ""
    }

    private mutating func write(_ place: Place, _ row: Int, level: Int) {
        if level > 0, chance(nullShare) {
            text += "null"
            return
        }
        func padded(_ number: Int, _ width: Int = 2) -> String {
            String(repeating: "0", count: max(0, width - String(number).count)) + String(number)
        }
        let date =
            "\(padded([1, 1969, 2000, 2024, 9999].randomElement(using: &random) ?? 1, 4))-\(padded(1 + below(12)))-\(padded(1 + below(28)))"
        let clock = "\(padded(below(24))):\(padded(below(60))):\(padded(below(60)))"
        switch place {
        case .date, .timestamp, .instant, .time, .word:
            if chance(emptyShare) { return text += "\"\"" }
        default: break
        }
        switch place {
        case .integer: text += "\(Int64(bitPattern: random.next()) >> Int64(below(64)))"
        case .smallInteger: text += "\(below(30))"
        case .largeInteger:
            text +=
                ["9223372036854775807", "-9223372036854775808", "0", "9007199254740993"].randomElement(using: &random)
                ?? "0"
        case .price: text += "\(Double(below(100_000)) / 100)"
        case .double:
            text +=
                [
                    "1e5", "-1.5E-300", "1.7976931348623157e308", "0.1", "-0", "-0.0", "3", "2.5e+3", "5e-324",
                    "\(Double(below(1 << 50)) / 3)",
                ]
                .randomElement(using: &random) ?? "0"
        case .exact: text += "\(random.next())\(random.next() % 1000).\(below(1000))1"
        case .boolean: text += chance(0.5) ? "true" : "false"
        case .date: text += "\"\(date)\""
        case .timestamp: text += "\"\(date)T\(clock)\""
        case .instant:
            text +=
                "\"2024-05-\(padded(10 + below(9)))T\(clock)\(["Z", "+02:00", "-0530"].randomElement(using: &random) ?? "Z")\""
        case .time: text += "\"\(clock)\""
        case .word: text += "\"word\(below(20))\""
        case .unique: text += "\"u\(random.next())\(String(repeating: "y", count: below(80)))\""
        case .null: text += "null"
        case .emptyObject: text += "{}"
        case .text: string()
        case .mixed:
            switch below(7) {
            case 0: text += "\(below(100))"
            case 1: text += "true"
            case 2: string()
            case 3: text += "[1, \"two\" , {\"three\":3}]"
            case 4: text += "{\"a\" : [1.50, 2e3], \"b\":null}"
            case 5: text += "1.5e3"
            default: text += "[]"
            }
        case .list(let element):
            text += "["
            let count = [0, 0, 1, 2, 3, 40].randomElement(using: &random) ?? 0
            space()
            for index in 0..<(level > 2 ? min(count, 3) : count) {
                if index > 0 {
                    text += ","
                    space()
                }
                write(element, row, level: level + 1)
                space()
            }
            text += "]"
        case .object(let fields):
            text += "{"
            space()
            var isFirst = true
            for field in chance(0.1) ? fields.shuffled(using: &random) : fields where chance(field.share) {
                if !isFirst {
                    text += ","
                    space()
                }
                isFirst = false
                let capitals = field.name.uppercased()
                let isCapital = level > 0 && field.name.utf8.allSatisfy { $0 < 0x80 } && chance(capitalShare)
                name(isCapital ? capitals : field.name)
                space()
                text += ":"
                space()
                write(field.place, row, level: level + 1)
                space()
                if isCapital, capitals != field.name, chance(0.5) {
                    text += ","
                    name(field.name)
                    text += ":1"
                }
            }
            text += "}"
        }
    }

    /// A name, now and then with escapes that it does not need.
    private mutating func name(_ name: String) {
        text += "\""
        for unit in name.unicodeScalars { escape(unit, share: 0.02) }
        text += "\""
    }

    private mutating func string() {
        let pieces = [
            "\"", "\\", "/", "\u{8}\u{C}\n\r\t", "\u{0}", "日本", "😀", "plain text", "é", "", "\"\"", "\u{7F}",
            "\u{2028}", "null",
        ]
        text += "\""
        for _ in 0..<below(6) {
            for unit in (pieces.randomElement(using: &random) ?? "").unicodeScalars { escape(unit, share: 0.1) }
        }
        text += "\""
    }

    private mutating func escape(_ scalar: Unicode.Scalar, share: Double) {
        let short: [Unicode.Scalar: String] = [
            "\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\u{8}": "\\b", "\u{C}": "\\f",
            "/": "\\/",
        ]
        let must = scalar.value < 0x20 || scalar == "\"" || scalar == "\\"
        guard must || chance(share) else { return text.unicodeScalars.append(scalar) }
        if let short = short[scalar], chance(0.7) { return text += short }
        for unit in String(scalar).utf16 {
            let digits = String(unit, radix: 16, uppercase: chance(0.5))
            text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        }
    }
}
