import EventPatterns
import Foundation
import FunctionJSON
import Testing

/// What a producer sends is read by the parser and later, perhaps with early stop, by the pattern engine: what one
/// takes and the other refuses would be an event that is accepted and cannot be matched.
@Suite("The parser, the pattern engine's reader and Foundation")
struct AgreementTests {
    private static let seconds = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SECONDS"].flatMap(Double.init) ?? 0
    private static let seed = ProcessInfo.processInfo.environment["SLUICE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1

    @Test("agree on random texts, whole and damaged: what is JSON, and what it says")
    func random() throws {
        let clock = ContinuousClock()
        let start = clock.now
        var generator = JSONTextGenerator(seed: Self.seed)
        var round = 0
        var accepted = 0
        while round < 20_000 || (clock.now - start) / .seconds(1) < Self.seconds {
            round += 1
            let bytes = generator.text(isDamaged: round % 3 != 0)
            var found = differences(bytes)
            if round % 3 == 0, (try? JSONDocument(parsing: bytes)) == nil { found.append("the parser refuses JSON") }
            guard found.isEmpty else {
                let text = String(decoding: bytes, as: UTF8.self)
                Issue.record("round \(round): \(found.joined(separator: "; ")) in \(text.debugDescription) (\(bytes))")
                return
            }
            if (try? JSONDocument(parsing: bytes)) != nil { accepted += 1 }
        }
        // Neither a generator of nothing but refused texts nor one whose damage never matters would find anything.
        #expect(accepted > round / 3 && accepted < round * 9 / 10, "\(accepted) of \(round) texts were JSON")
    }

    private func differences(_ bytes: [UInt8]) -> [String] {
        var found: [String] = []
        var fault: JSONError?
        var document: JSONDocument?
        do throws(JSONError) { document = try JSONDocument(parsing: bytes) } catch { fault = error }

        let reading = try? EventFacts.reading(of: bytes)
        if let document, document.root.kind == .object {
            if reading == nil { found.append("the engine refuses what the parser takes") }
            if let reading, (reading == .validated) != document.root.traits.hasPlainNames {
                found.append("plain names: parser \(document.root.traits.hasPlainNames), engine \(reading)")
            }
        } else if reading != nil, fault?.code != .trailingBytes, fault?.code != .invalidEscape {
            // The engine ignores what follows the object, and takes halves of surrogate pairs as the reference does.
            found.append("the engine takes what the parser refuses: \(fault.map { "\($0)" } ?? "no object")")
        }

        let judged = try? JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed)
        // It takes more than JSON: a comma before the end, for one.
        if judged == nil, let document, !hasHugeNumber(document.root) { found.append("Foundation refuses it") }
        if let judged, let document, let difference = difference(document.root, judged) { found.append(difference) }
        return found
    }

    /// A number beyond a double is JSON; Foundation refuses it.
    private func hasHugeNumber(_ node: JSONNode) -> Bool {
        if node.kind == .number { return node.double == nil }
        return node.elements.contains(where: hasHugeNumber) || node.members.contains { hasHugeNumber($0.value) }
    }

    /// What the parser read otherwise than Foundation did.
    private func difference(_ node: JSONNode, _ value: Any) -> String? {
        switch node.kind {
        case .null: return value is NSNull ? nil : "null is \(value)"
        case .true, .false: return value as? Bool == node.bool ? nil : "\(node.kind) is \(value)"
        case .string:
            let text = node.string ?? ""
            return (value as? String).map { Array($0.utf8) == Array(text.utf8) } == true ? nil : "\(text) is \(value)"
        case .number:
            guard let number = value as? NSNumber else { return "\(node.numberText ?? "") is \(value)" }
            if let exact = node.numberText.flatMap(Int64.init), exact != node.int64 || exact != number.int64Value {
                return "\(exact) is \(number)"
            }
            // Foundation goes by way of a decimal number and misses the nearest double now and then.
            let nearest = node.numberText.flatMap(Double.init)
            return node.double == nearest ? nil : "\(node.numberText ?? "") is \(node.double ?? .nan)"
        case .array:
            guard let list = value as? [Any], list.count == node.count else { return "an array is \(value)" }
            for (element, other) in zip(node.elements, list) {
                if let found = difference(element, other) { return found }
            }
            return nil
        case .object:
            guard let object = value as? [String: Any] else { return "an object is \(value)" }
            for (name, _) in node.members {
                // Of a name that is there twice the last one counts in either.
                guard let member = node[name], let other = object[name] else { return "\(name) is missing" }
                if let found = difference(member, other) { return found }
            }
            return nil
        }
    }
}
