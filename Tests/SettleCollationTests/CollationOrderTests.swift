import SettleCollation
import SettleCore
import SettleTestSupport
import Testing

@Suite("The order of view keys")
struct CollationOrderTests {
    private func key(_ value: JSONValue) throws -> [UInt8] {
        var key: [UInt8] = []
        try CollationKey.append(Array(value.text.utf8), to: &key, collator: ICUCollator.shared)
        return key
    }

    @Test("is what comparing the values one by one gives")
    func agreesWithComparison() throws {
        let collator = try ICUCollator.shared
        let law = CollationLaw(.unicode, compareStrings: collator.compare)
        var generator = KeyGenerator(seed: 31)
        for _ in 0..<10_000 {
            let (left, right) = (generator.value(), generator.value())
            let keys = CollationLaw.bytes(try key(left), try key(right))
            #expect(keys.signum() == law.compare(left, right).signum(), "\(left) against \(right), seed 31")
        }
    }

    @Test("is CouchDB's")
    func documentedOrder() throws {
        // The order of printable ASCII and of kinds, as CouchDB's documentation gives it.
        let characters =
            "`^_-,;:!?.'\"()[]{}@*/\\&#%+<=>|~$0123456789aAbBcCdDeEfFgGhHiIjJkKlLmMnNoOpPqQrRsStTuUvVwWxXyYzZ"
        var strings = characters.map { JSONValue.string(String($0)) }
        strings.sort { (left, right) in
            ((try? key(left)) ?? []).lexicographicallyPrecedes((try? key(right)) ?? [])
        }
        #expect(strings.first == "_")
        #expect(strings.suffix(62) == characters.suffix(62).map { JSONValue.string(String($0)) }[...])
        let ascending = [
            "null", "false", "true", "-10", "-1.5", "0", "1", "1.5", "2", "10", "1e10", "\"\"", "\" \"",
            "\"_\"", "\"-\"",
            "\",\"", "\";\"", "\":\"", "\"!\"", "\"?\"", "\"10\"", "\"9\"", "\"a\"", "\"A\"", "\"ä\"",
            "\"Ä\"", "\"aa\"",
            "\"b\"", "\"B\"", "\"ba\"", "\"bb\"", "\"e\"", "\"é\"", "\"f\"", "\"ss\"", "\"ß\"", "\"z\"",
            "\"α\"", "\"Ω\"",
            "\"я\"", "\"日\"", "\"本\"", "[]", "[null]", "[1]", "[\"a\"]", "[\"b\"]", "[\"b\",\"c\"]",
            "[\"b\",\"c\",\"a\"]",
            "[\"b\",\"d\"]", "[[]]", "[{}]", "{}", "{\"a\":1}", "{\"a\":1,\"b\":1}", "{\"a\":2}", "{\"b\":1}",
            "{\"b\":2}",
            "{\"b\":2,\"a\":1}", "{\"b\":2,\"c\":2}",
        ]
        let keys = try ascending.map { try key(JSONValue(parsing: Array($0.utf8))) }
        for (index, pair) in zip(keys, keys.dropFirst()).enumerated() {
            #expect(
                pair.0.lexicographicallyPrecedes(pair.1),
                "\(ascending[index]) and \(ascending[index + 1])"
            )
        }
    }
}
