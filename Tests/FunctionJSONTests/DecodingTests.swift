import EventPatterns
import FunctionJSON
import Testing

@Suite("Decoding typed values")
struct DecodingTests {
    struct Inner: Codable, Equatable {
        var id: UInt64
        var tags: [String]
        var ratio: Double?
    }
    struct Outer: Codable, Equatable {
        var name: String
        var inner: Inner
        var byName: [String: Int]
        var optional: Int?
        var flags: [Bool?]
        enum CodingKeys: String, CodingKey {
            case name = "the-name"
            case inner, byName, optional, flags
        }
    }

    @Test("a nested type, in any order and with unknown members")
    func nested() throws {
        let text = #"""
            {"unknown":[{"x":1}],"byName":{"b":2,"a":-1},"inner":{"ratio":0.1,"tags":["x","\u00e9"],"id":18446744073709551615},
             "flags":[true,null,false],"optional":null,"the-name":"n"}
            """#
        let wanted = Outer(
            name: "n", inner: Inner(id: .max, tags: ["x", "é"], ratio: 0.1), byName: ["a": -1, "b": 2], optional: nil,
            flags: [true, nil, false])
        let decoded = try TapeDecoder().decode(Outer.self, from: text)
        #expect(decoded == wanted)
        #expect(try TapeDecoder().decode(Outer.self, from: TapeEncoder().encode(wanted)) == wanted)
    }

    @Test("of a repeated name the last one counts, in small and in large objects")
    func repeated() throws {
        #expect(try TapeDecoder().decode([String: Int].self, from: #"{"a":1,"a":2}"#) == ["a": 2])
        let many = (0..<50).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        let decoded = try TapeDecoder().decode([String: Int].self, from: "{\"k7\":-1,\(many)}")
        #expect(decoded["k7"] == 7)
        #expect(decoded.count == 50)
    }

    @Test("integers are exact or an error")
    func integers() throws {
        func int<T: Decodable>(_ text: String, _ type: T.Type = T.self) throws -> T {
            try TapeDecoder().decode(T.self, from: text)
        }
        #expect(try int("9223372036854775807", Int64.self) == .max)
        #expect(try int("-9223372036854775808", Int64.self) == .min)
        #expect(try int("18446744073709551615", UInt64.self) == .max)
        #expect(try int("170141183460469231731687303715884105727", Int128.self) == .max)
        #expect(try int("12.0", Int.self) == 12)
        #expect(try int("1.2e1", Int.self) == 12)
        #expect(try int("1200e-2", Int.self) == 12)
        #expect(try int("-0", UInt8.self) == 0)
        #expect(try int("0.0e99999999999999999999", Int.self) == 0)
        for text in [
            "9223372036854775808", "-9223372036854775809", "1.5", "1e19", "1e999999999999999999999", "1e-1",
            "1e-9223372036854775808", "1e9223372036854775807", "1e-9223372036854775809",
        ] {
            #expect(throws: DecodingError.self, "\(text)") { try int(text, Int64.self) }
        }
        #expect(throws: DecodingError.self) { try int("-1", UInt8.self) }
        #expect(throws: DecodingError.self) { try int("256", UInt8.self) }
        #expect(throws: DecodingError.self) { try int("true", Int.self) }
        #expect(throws: DecodingError.self) { try int("\"1\"", Int.self) }
    }

    @Test("doubles are the nearest ones")
    func doubles() throws {
        for text in [
            "0.1", "1e22", "1e23", "123456789012345678", "9007199254740993", "4.9e-324", "2.2250738585072011e-308",
            "1.7976931348623157e308", "-0.0", "0.000001", "3.141592653589793238462643", "1e-400", "5.0E+10",
        ] {
            let decoded = try TapeDecoder().decode(Double.self, from: text)
            #expect(decoded.bitPattern == Double(text)?.bitPattern, "\(text)")
        }
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<20_000 {
            let value = Double(bitPattern: generator.next())
            guard value.isFinite else { continue }
            #expect(try TapeDecoder().decode(Double.self, from: TapeEncoder().encode(value)) == value)
        }
        for _ in 0..<20_000 {
            let text = "\(generator.next() % 1_000_000_000).\(generator.next() % 1_000_000)"
            #expect(try TapeDecoder().decode(Double.self, from: text) == Double(text))
        }
        #expect(throws: DecodingError.self) { try TapeDecoder().decode(Double.self, from: "1e309") }
        #expect(throws: DecodingError.self) { try TapeDecoder().decode(Float.self, from: "1e39") }
    }

    @Test("errors name the place and what was found")
    func errors() throws {
        func fault(_ text: String) -> (path: String, message: String) {
            do {
                _ = try TapeDecoder().decode(Outer.self, from: text)
                return ("", "no error")
            } catch let error as DecodingError {
                let context: DecodingError.Context
                var path: [any CodingKey] = []
                switch error {
                case .keyNotFound(let key, let found): (context, path) = (found, found.codingPath + [key])
                case .typeMismatch(_, let found), .valueNotFound(_, let found), .dataCorrupted(let found):
                    (context, path) = (found, found.codingPath)
                @unknown default: return ("", "unknown")
                }
                return (path.map(\.stringValue).joined(separator: "."), context.debugDescription)
            } catch {
                return ("", "\(error)")
            }
        }
        #expect(fault("{}") == ("the-name", "the member \"the-name\" is missing"))
        #expect(fault(#"{"the-name":5}"#) == ("the-name", "expected a string, found the number 5 at byte 12"))
        #expect(
            fault(#"{"the-name":"n","inner":{"id":-1,"tags":[]}}"#)
                == ("inner.id", "-1 is not an integer from 0 to 18446744073709551615"))
        #expect(
            fault(#"{"the-name":"n","inner":{"id":1,"tags":["a",null]}}"#)
                == ("inner.tags.1", "expected a string, found null at byte 44"))
        #expect(fault("[]") == ("", "expected an object, found an array at byte 0"))
        #expect(
            fault("{").message
                == "not JSON: line 1, column 2 (byte 1): expected a member name in quotes, the input ends")
    }

    @Test("members that the type does not ask for, where they are refused: of a text and of a part of a document")
    func unknownMembers() throws {
        struct Inner: Decodable, Equatable { var a: Int? }
        struct Outer: Decodable, Equatable {
            var inner: Inner
            var free: [String: Int]
        }
        var strict = TapeDecoder()
        strict.refusesUnknownMembers = true
        let (good, bad) = (
            #"{"inner": {"a": 1}, "free": {"anything": 2}}"#, #"{"inner": {"A": 1}, "free": {"anything": 2}}"#
        )
        let wanted = Outer(inner: Inner(a: 1), free: ["anything": 2])
        #expect(try strict.decode(Outer.self, from: good) == wanted)
        #expect(try TapeDecoder().decode(Outer.self, from: bad).inner == Inner(a: nil))

        // The document has members beside the part, and is read several times: neither counts against the part.
        let document = try JSONDocument(parsing: #"{"other": 1, "good": \#(good), "bad": \#(bad)}"#)
        let parts = (try #require(document.root["good"]), try #require(document.root["bad"]))
        for _ in 0..<2 {
            #expect(try strict.decode(Outer.self, from: parts.0) == wanted)
            #expect(try TapeDecoder().decode(Outer.self, from: parts.1).inner == Inner(a: nil))
        }
        for decode in [
            { try strict.decode(Outer.self, from: bad) }, { try strict.decode(Outer.self, from: parts.1) },
        ] {
            let error = #expect(throws: DecodingError.self) { try decode() }
            let words = error?.readableMessage ?? ""
            #expect(words.contains("there is no key `A`") && words.contains("known are a"), "\(words)")
        }
    }

    @Test("inheritance, nested containers and heterogenous arrays")
    func containers() throws {
        struct Mixed: Codable, Equatable {
            var first: Int
            var second: String
            var third: [Int]
            var x: Int

            init(first: Int, second: String, third: [Int], x: Int) {
                (self.first, self.second, self.third, self.x) = (first, second, third, x)
            }
            enum Key: String, CodingKey { case list, nested, x, after }
            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                var list = try container.nestedUnkeyedContainer(forKey: .list)
                first = try list.decode(Int.self)
                second = try list.decode(String.self)
                var inner = try list.nestedUnkeyedContainer()
                third = []
                while !inner.isAtEnd { third.append(try inner.decode(Int.self)) }
                #expect(list.isAtEnd)
                x = try container.nestedContainer(keyedBy: Key.self, forKey: .nested).decode(Int.self, forKey: .x)
            }
            func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                var list = container.nestedUnkeyedContainer(forKey: .list)
                var nested = container.nestedContainer(keyedBy: Key.self, forKey: .nested)
                try container.encode("later", forKey: .after)
                // Interleaved on purpose: each container keeps its place.
                try list.encode(first)
                try nested.encode(x, forKey: .x)
                try list.encode(second)
                var inner = list.nestedUnkeyedContainer()
                for number in third { try inner.encode(number) }
            }
        }
        let value = Mixed(first: 1, second: "two", third: [3, 4], x: 5)
        let text = try TapeEncoder().text(value)
        #expect(text == #"{"list":[1,"two",[3,4]],"nested":{"x":5},"after":"later"}"#)
        #expect(try TapeDecoder().decode(Mixed.self, from: text) == value)

        class Base: Codable { var a = 1 }
        final class Derived: Base {
            var b = 2
            enum Key: CodingKey { case b }
            override init() { super.init() }
            required init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Key.self)
                b = try container.decode(Int.self, forKey: .b)
                try super.init(from: container.superDecoder())
            }
            override func encode(to encoder: any Encoder) throws {
                var container = encoder.container(keyedBy: Key.self)
                try super.encode(to: container.superEncoder())
                try container.encode(b, forKey: .b)
            }
        }
        #expect(try TapeEncoder().text(Derived()) == #"{"super":{"a":1},"b":2}"#)
        #expect(try TapeDecoder().decode(Derived.self, from: #"{"b":7,"super":{"a":9}}"#).a == 9)
    }
}
