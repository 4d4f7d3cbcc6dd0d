/// Seeded events of the two shapes the engine is measured on.
package enum BenchEvents {
    /// `Object Created` events as the object store publishes them, about 580 bytes. Bucket and key repeat: `buckets`
    /// buckets.
    package static func objectCreated(count: Int, buckets: Int, seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let bucket = "orders-\(random.digits(6, below: buckets))"
            let key = objectKey(&random)
            let hex = "0123456789abcdef"
            let ids = (0..<5).map { random.text(hex, [8, 4, 4, 4, 12][$0]) }.joined(separator: "-")
            let address = (0..<4).map { _ in String(random.below(256)) }.joined(separator: ".")
            return Array(
                """
                {"version":"0","id":"\(ids)","detail-type":"Object Created","source":"aws.s3","account":"111122223333",\
                "time":"2026-11-\(random.digits(2, below: 28))T12:00:00Z","region":"eu-central-1","resources":\
                ["arn:aws:s3:::\(bucket)"],"detail":{"version":"0","bucket":{"name":"\(bucket)"},"object":{"key":\
                "\(key)","size":\(random.below(10_000_000)),"etag":"\(random.text(hex, 32))","version-id":\
                "\(random.text(hex, 32))","sequencer":"\(random.text("0123456789ABCDEF", 18))"},"request-id":\
                "\(random.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 16))","requester":"123456789012",\
                "source-ip-address":"\(address)","reason":"PutObject"}}
                """.utf8)
        }
    }

    package static let folders = ["incoming", "logs", "exports", "images", "invoices", "backup", "tmp", "archive"]
    package static let extensions = ["csv", "parquet", "json", "png", "gz", "pdf"]

    static func objectKey(_ random: inout SeededGenerator) -> String {
        let folder = folders[random.below(folders.count)]
        let name = random.text("abcdefghijklmnopqrstuvwxyz", 8)
        let ending = extensions[random.below(extensions.count)]
        return "\(folder)/2026/\(random.digits(2, below: 12))/\(name)-\(random.digits(5, below: 100_000)).\(ending)"
    }

    /// City lots as GeoJSON-like features, about 830 bytes: short text fields, then a polygon whose points are objects
    /// in nested arrays.
    package static func cityLots(count: Int, seed: UInt64) -> [[UInt8]] {
        var random = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let block = random.digits(4, below: 8000)
            let lot = random.digits(3, below: 120)
            var points: [String] = []
            for _ in 0..<(9 + random.below(4)) {
                points.append(
                    "{\"x\":-122.\(longitude(&random)),\"y\":37.\(latitude(&random)),\"z\":0.0}")
            }
            return Array(
                """
                {"type":"Feature","properties":{"MAPBLKLOT":"\(block)\(lot)","BLKLOT":"\(block)\(lot)",\
                "BLOCK_NUM":"\(block)","LOT_NUM":"\(lot)","FROM_ST":"\(random.below(4000))","TO_ST":\
                "\(random.below(4000))","STREET":"\(street(&random))","ST_TYPE":"\(["ST", "AVE", "BLVD"][random.below(3)])",\
                "ODD_EVEN":"\(["E", "O"][random.below(2)])"},"geometry":{"type":"Polygon","coordinates":\
                [[\(points.joined(separator: ","))]]}}
                """.utf8)
        }
    }

    /// The digits after the point of a longitude or latitude: 14, as in the city's data; the last is not 0.
    static func longitude(_ random: inout SeededGenerator) -> String {
        "\(random.digits(6, below: 200_000))\(random.digits(7, below: 10_000_000))\(1 + random.below(9))"
    }

    static func latitude(_ random: inout SeededGenerator) -> String {
        "\(random.digits(6, below: 150_000))\(random.digits(7, below: 10_000_000))\(1 + random.below(9))"
    }

    /// One of some ten thousand street names.
    static func street(_ random: inout SeededGenerator) -> String {
        let starts = ["FRE", "MAR", "SAN", "VAL", "GEA", "POL", "HAI", "FUL", "CLE", "IRV"]
        let ends = ["MONT", "KET", "CHEZ", "ENCIA", "RY", "K", "GHT", "TON", "MENT", "ING"]
        return "\(starts[random.below(10)])\(ends[random.below(10)]) \(random.text("ABCDEFGHIJ", 2))"
    }
}
