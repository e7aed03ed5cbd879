import SettleCore
import SettleTestSupport
import Testing

/// Strings by their bytes; a zero byte, which a sort key can't have, is written 01 01, and 01 is written 01 02.
private struct ByteCollator: StringCollator {
    let version = "bytes"

    func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
        for byte in text[range] {
            if byte < 2 { bytes.append(1) }
            bytes.append(byte < 2 ? byte + 1 : byte)
        }
    }
}

private func key(_ text: String, _ order: CollationKey.Order = .unicode) throws -> [UInt8] {
    var key: [UInt8] = []
    try CollationKey.append(Array(text.utf8), to: &key, order: order, collator: ByteCollator())
    return key
}

@Suite("Collation keys")
struct CollationKeyTests {
    @Test("sort like the values, whatever they are", arguments: [CollationKey.Order.unicode, .raw])
    func agreeWithComparison(order: CollationKey.Order) throws {
        let law = CollationLaw(order, compareStrings: CollationLaw.bytes)
        var generator = KeyGenerator(seed: 11)
        for _ in 0..<10_000 {
            let (left, right) = (generator.value(), generator.value())
            let (leftKey, rightKey) = (try key(left.text, order), try key(right.text, order))
            let expected = law.compare(left, right)
            #expect(
                CollationLaw.bytes(leftKey, rightKey).signum() == expected.signum(),
                "\(left) against \(right), seed 11"
            )
        }
    }

    @Test("order all numbers exactly")
    func numbers() throws {
        let law = CollationLaw(.unicode, compareStrings: CollationLaw.bytes)
        var generator = KeyGenerator(seed: 12)
        for _ in 0..<10_000 {
            let (left, right) = (generator.number(), generator.number())
            let (leftKey, rightKey) = (try key(left.text), try key(right.text))
            let expected = law.compare(left, right)
            #expect(
                CollationLaw.bytes(leftKey, rightKey).signum() == expected.signum(),
                "\(left) against \(right), seed 12"
            )
        }
    }

    @Test("are equal for equal numbers in different spellings")
    func spellings() throws {
        #expect(try key("1") == key("1.0"))
        #expect(try key("1e2") == key("100"))
        #expect(try key("-0.0") == key("0"))
        #expect(try key("18446744073709551616") == key("18446744073709551616.0"))
        #expect(try key("9007199254740993") != key("9007199254740992.0"))
        #expect(try key("\"\\u0061\"") == key("\"a\""))
    }

    @Test("take few bytes for small numbers")
    func sizes() throws {
        #expect(try key("0").count == 1)
        #expect(try key("5") == [0x22, 0x82, 0x40])
        #expect(try key("-5") == [0x20, 0x7D, 0xBF])
        #expect(try key("0.5") == [0x22, 0x7F, 0x00])
        #expect(try key("2024").count == 3)
        #expect(try key("2025").count == 4)
        #expect(try key("null") == [0x10])
    }

    @Test("tell where they end, whatever follows", arguments: [CollationKey.Order.unicode, .raw])
    func lengths(order: CollationKey.Order) throws {
        var generator = KeyGenerator(seed: 13)
        for _ in 0..<5_000 {
            let value = generator.value()
            let whole = try key(value.text, order)
            let rest = (0..<generator.below(6)).map { _ in UInt8(generator.below(256)) }
            let framed = [0, 1] + whole + rest
            #expect(CollationKey.length(of: framed[2...]) == whole.count, "\(value), seed 13")
        }
    }

    @Test("have equal prefixes exactly for equal groups", arguments: [CollationKey.Order.unicode, .raw])
    func groups(order: CollationKey.Order) throws {
        let law = CollationLaw(order, compareStrings: CollationLaw.bytes)
        var generator = KeyGenerator(seed: 14)
        for _ in 0..<10_000 {
            let (left, right) = (generator.value(), generator.value())
            let (leftKey, rightKey) = (try key(left.text, order), try key(right.text, order) + [7])
            for level in [0, 1, 2, 3, Int.max] {
                let leftPrefix = leftKey.prefix(
                    CollationKey.groupPrefixLength(of: leftKey[...], level: level)
                )
                let rightPrefix = rightKey.prefix(
                    CollationKey.groupPrefixLength(of: rightKey[...], level: level)
                )
                let isOneGroup =
                    level == 0 || law.compare(left.group(level: level), right.group(level: level)) == 0
                #expect(
                    (leftPrefix == rightPrefix) == isOneGroup,
                    "\(left), \(right), level \(level), seed 14"
                )
            }
        }
    }

    @Test(
        "refuse what is no JSON",
        arguments: ["", "[", "[1", "{\"a\"}", "1 2", "nul", "\"\\ud800\"", "\"\u{1}\""]
    )
    func malformed(text: String) {
        #expect(throws: JSONError.self) { try key(text) }
        #expect(throws: JSONError.self) { try key(text, .raw) }
    }

    @Test("exist for values as deep as JSON may be")
    func depth() throws {
        let deep = String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
        #expect(CollationKey.length(of: try key(deep)[...]) == 2_000)
        #expect(throws: JSONError.self) { try key("[\(deep)]") }
    }

    @Test("order integers of a hundred thousand digits")
    func hugeIntegers() throws {
        let nines = String(repeating: "9", count: 100_000)
        let one = "1" + String(repeating: "0", count: 99_999)
        #expect(try key(one).lexicographicallyPrecedes(key(nines)))
        #expect(try key("-" + nines).lexicographicallyPrecedes(key("-" + one)))
        #expect(try key("1.7976931348623157e308").lexicographicallyPrecedes(key(one)))
    }
}

extension JSONValue {
    /// An array's first elements; other values themselves.
    fileprivate func group(level: Int) -> JSONValue {
        guard let array else { return self }
        return .array(Array(array.prefix(level)))
    }
}
