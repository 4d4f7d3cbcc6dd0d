/// Seeded files like those that the peers are measured with.
package enum BenchData: String, CaseIterable, Sendable {
    /// 16 columns: two times, numbers, texts of few and of many values, quotes and line ends in 1 % of the notes.
    case orders
    /// 200 columns: integers, doubles with nulls, categories, booleans, times.
    case wide
    /// Four columns of texts that hardly repeat.
    case unique
    /// The values of `orders` as JSON, one object a line.
    case ndjson

    /// How the file's name ends.
    var suffix: String { self == .ndjson ? "ndjson" : "csv" }

    /// Writes a file of `rows` records.
    package func write(rows: Int, seed: UInt64, to sink: any ByteSink) throws(ColumnarError) {
        var random = BenchRandom(state: seed)
        var text = BenchText()
        switch self {
        case .orders:
            text.add("order_id,vendor_id,pickup_at,dropoff_at,passengers,distance,rate_code,flag,pu_zone,do_zone,")
            text.add("payment,fare,extra,tip,total,note\n")
            let notes = Self.notes(&random)
            for row in 0..<rows {
                order(row, notes, &random, &text)
                try text.flush(to: sink, atLeast: 1 << 20)
            }
        case .ndjson:
            let notes = Self.notes(&random)
            for row in 0..<rows {
                record(row, notes, &random, &text)
                try text.flush(to: sink, atLeast: 1 << 20)
            }
        case .wide:
            text.add((0..<200).map { "\(["i", "f", "s", "b", "t"][$0 % 5])\($0)" }.joined(separator: ",") + "\n")
            for _ in 0..<rows {
                wide(&random, &text)
                try text.flush(to: sink, atLeast: 1 << 20)
            }
        case .unique:
            text.add("id,sha,email,text\n")
            let notes = Self.notes(&random)
            for _ in 0..<rows {
                unique(notes, &random, &text)
                try text.flush(to: sink, atLeast: 1 << 20)
            }
        }
        try text.flush(to: sink, atLeast: 0)
    }

    private static let words = [
        "lorem", "ipsum", "dolor", "sit", "amet", "order", "late", "driver", "airport", "toll", "refund", "gate",
        "hotel", "customer", "tempor", "elit",
    ]

    /// 20,000 notes; every hundredth is quoted.
    private static func notes(_ random: inout BenchRandom) -> [String] {
        (0..<20_000).map { index in
            let count = 1 + random.below(3)
            let picked = (0..<max(count, index % 100 == 0 ? 3 : 1)).map { _ in words[random.below(words.count)] }
            guard index % 100 == 0 else { return picked.joined(separator: " ") }
            switch index / 100 % 3 {
            case 0: return "\"said \"\"\(picked[0])\"\" \(picked[1])\""
            case 1: return "\"\(picked.joined(separator: ", "))\""
            default: return "\"\(picked[0])\n\(picked[1])\""
            }
        }
    }

    private func order(_ row: Int, _ notes: [String], _ random: inout BenchRandom, _ text: inout BenchText) {
        let pickup = 1_704_067_200 + row / 3
        let distance = random.below(60) * random.below(60)
        let fare = 250 + distance * 26 / 10 + random.below(500)
        let tip = random.below(10) < 4 ? 0 : fare * random.below(30) / 100
        let extra = [0, 50, 100, 250][random.below(4)]
        text.add(100_000_000 + row)
        text.comma(1 + random.below(2))
        text.comma(time: pickup)
        text.comma(time: pickup + 60 + random.below(5340))
        if random.below(50) == 0 { text.comma("") } else { text.comma(1 + random.below(6)) }
        text.comma(hundredths: distance)
        text.comma([1, 1, 1, 1, 2, 5][random.below(6)])
        text.comma(random.below(50) == 0 ? "Y" : "N")
        text.comma(1 + random.below(265))
        text.comma(1 + random.below(265))
        text.comma(["credit card", "credit card", "credit card", "cash", "dispute", "no charge"][random.below(6)])
        for amount in [fare, extra, tip, fare + tip + extra] { text.comma(hundredths: amount) }
        text.comma(notes[random.below(notes.count)])
        text.add("\n")
    }

    private func record(_ row: Int, _ notes: [String], _ random: inout BenchRandom, _ text: inout BenchText) {
        let pickup = 1_704_067_200 + row / 3
        let distance = random.below(60) * random.below(60)
        let fare = 250 + distance * 26 / 10 + random.below(500)
        let tip = random.below(10) < 4 ? 0 : fare * random.below(30) / 100
        let extra = [0, 50, 100, 250][random.below(4)]
        text.add("{\"order_id\":\(100_000_000 + row),\"vendor_id\":\(1 + random.below(2)),\"pickup_at\":\"")
        text.add(time: pickup)
        text.add("\",\"dropoff_at\":\"")
        text.add(time: pickup + 60 + random.below(5340))
        text.add("\",\"passengers\":")
        text.add(random.below(50) == 0 ? "null" : String(1 + random.below(6)))
        text.add(",\"distance\":\(Double(distance) / 100),\"rate_code\":\([1, 1, 1, 1, 2, 5][random.below(6)])")
        text.add(",\"flag\":\"\(random.below(50) == 0 ? "Y" : "N")\",\"pu_zone\":\(1 + random.below(265))")
        text.add(",\"do_zone\":\(1 + random.below(265)),\"payment\":\"")
        text.add(["credit card", "credit card", "credit card", "cash", "dispute", "no charge"][random.below(6)])
        text.add("\",\"fare\":\(Double(fare) / 100),\"extra\":\(Double(extra) / 100),\"tip\":\(Double(tip) / 100)")
        text.add(",\"total\":\(Double(fare + tip + extra) / 100),\"note\":\"")
        let note = notes[random.below(notes.count)].filter { $0 != "\"" }
        text.add(note.replacing("\n", with: "\\n"))
        text.add("\"}\n")
    }

    private func wide(_ random: inout BenchRandom, _ text: inout BenchText) {
        var limit = 10
        for column in 0..<200 {
            if column > 0 { text.add(",") }
            switch column % 5 {
            case 0:
                text.add(random.below(limit))
                limit = limit >= 10_000_000 ? 10 : limit * 10
            case 1:
                if random.below(20) > 0 { text.add(thousandths: random.below(200_000)) }
            case 2: text.add("cat\(random.below(2 + column))")
            case 3: text.add(random.below(2) == 0 ? "true" : "false")
            default: text.add(time: 1_700_000_000 + random.below(10_000_000))
            }
        }
        text.add("\n")
    }

    private func unique(_ notes: [String], _ random: inout BenchRandom, _ text: inout BenchText) {
        for part in [8, 4, 4, 4, 12] {
            if part != 8 { text.add("-") }
            text.add(hex: random.next(), digits: part)
        }
        text.add(",")
        for _ in 0..<3 { text.add(hex: random.next(), digits: 13) }
        text.add(",user")
        text.add(random.below(1_000_000_000))
        text.add("@\(Self.words[random.below(Self.words.count)]).example.com,\"")
        text.add("note \(random.below(1_000_000)), \(random.below(1_000_000)) #\(random.below(100_000_000))\"\n")
    }
}

/// SplitMix64.
struct BenchRandom {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    mutating func below(_ limit: Int) -> Int {
        Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(limit)).high)
    }
}

/// Text under way to a file.
struct BenchText {
    private var bytes: [UInt8] = []

    mutating func add(_ text: String) { bytes.append(contentsOf: text.utf8) }
    mutating func comma(_ text: String) {
        add(",")
        add(text)
    }

    mutating func add(_ number: Int) { add(String(number)) }
    mutating func comma(_ number: Int) {
        add(",")
        add(number)
    }

    mutating func comma(hundredths: Int) {
        add(",\(hundredths / 100).\(hundredths / 10 % 10)")
        if hundredths % 10 > 0 { add(hundredths % 10) }
    }

    mutating func add(thousandths: Int) {
        add("\(thousandths / 1000).")
        add(String(String(1000 + thousandths % 1000).dropFirst()))
    }

    mutating func add(time seconds: Int) { add(TemporalText.text(microseconds: Int64(seconds) * 1_000_000)) }
    mutating func comma(time seconds: Int) {
        add(",")
        add(time: seconds)
    }

    mutating func add(hex number: UInt64, digits: Int) {
        let text = String(number, radix: 16)
        add(String((String(repeating: "0", count: 16) + text).suffix(digits)))
    }

    mutating func flush(to sink: any ByteSink, atLeast size: Int) throws(ColumnarError) {
        guard bytes.count >= max(1, size) else { return }
        try bytes.withUnsafeBufferPointer { buffer throws(ColumnarError) in
            try sink.write(UnsafeRawBufferPointer(buffer))
        }
        bytes.removeAll(keepingCapacity: true)
    }
}
