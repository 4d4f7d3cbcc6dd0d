/// A schema as a file gives it, in YAML or JSON, to be decoded with any decoder:
///
///     columns:
///       - {name: id, type: bigint}
///       - price: decimal(10,2)
///
/// An entry is a mapping with `name` and `type`, or one of a single name and type. Types have the names of
/// `ColumnType`. What is wrong is `DecodingError.dataCorrupted`, which names the column.
public struct SchemaFile: Decodable, Sendable {
    public var columns: [ColumnSchema]

    private enum Key: String, CodingKey { case columns }

    private struct Word: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(_ word: String) { stringValue = word }
        init?(stringValue: String) { self.init(stringValue) }
        init?(intValue: Int) { nil }
    }

    private struct Entry: Decodable {
        var column: ColumnSchema

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Word.self)
            let keys = container.allKeys.map(\.stringValue)
            let (name, type): (String, String)
            if Set(keys) == ["name", "type"] {
                name = try container.decode(String.self, forKey: Word("name"))
                type = try container.decode(String.self, forKey: Word("type"))
            } else if keys.count == 1, let key = keys.first, key != "name" {
                (name, type) = (key, try container.decode(String.self, forKey: Word(key)))
            } else {
                throw Self.wrong(
                    decoder, "a column is {name: …, type: …}, or one name and its type; found \(keys.sorted())")
            }
            guard let type = ColumnType(type) else {
                throw Self.wrong(
                    decoder,
                    "column \"\(name)\" has the unknown type \"\(type)\"; types are boolean, bigint, double, decimal(p,s), "
                        + "date, time, timestamp, timestamp with local time zone, string")
            }
            let plain = ColumnName.normalized(name)
            guard !plain.isEmpty else { throw Self.wrong(decoder, "a column has no name") }
            column = ColumnSchema(name: plain, type: type)
        }

        static func wrong(_ decoder: any Decoder, _ problem: String) -> DecodingError {
            .dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: problem))
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        do {
            _ = try container.nestedUnkeyedContainer(forKey: .columns)
        } catch DecodingError.typeMismatch {
            throw DecodingError.dataCorruptedError(
                forKey: .columns, in: container,
                debugDescription: "columns is a list, with an entry such as \"- name: type\" for each column")
        }
        columns = try container.decode([Entry].self, forKey: .columns).map(\.column)
        var seen: Set<String> = []
        for column in columns where !seen.insert(column.name).inserted {
            throw DecodingError.dataCorruptedError(
                forKey: .columns, in: container, debugDescription: "two columns are named \"\(column.name)\"")
        }
        guard !columns.isEmpty else {
            throw DecodingError.dataCorruptedError(
                forKey: .columns, in: container, debugDescription: "the schema has no columns")
        }
    }
}
