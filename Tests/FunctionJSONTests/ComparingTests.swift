import FunctionJSON
import Testing

@Suite("Comparing dynamic values", .timeLimit(.minutes(1)))
struct ComparingTests {
    @Test("objects are equal in any order of their members, of repeated ones the last counts")
    func order() throws {
        #expect(
            try JSONValue(parsing: #"{"a":1,"b":{"c":2,"d":3}}"#) == JSONValue(parsing: #"{"b":{"d":3,"c":2},"a":1}"#))
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#) == JSONValue(parsing: #"{"a":2}"#))
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#) != JSONValue(parsing: #"{"a":1}"#))
        #expect(try JSONValue(parsing: #"{"a":1}"#) != JSONValue(parsing: #"{"b":1}"#))
    }

    @Test("objects in objects take a time that grows with their depth, not by its power")
    func depth() throws {
        func nested(_ last: String) -> String {
            String(repeating: #"{"a":"#, count: 200) + last + String(repeating: "}", count: 200)
        }
        #expect(try JSONValue(parsing: nested("1")) != JSONValue(parsing: nested("2")))
        #expect(try JSONValue(parsing: nested("1")) == JSONValue(parsing: nested("1")))
    }
}
