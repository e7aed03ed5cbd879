import SettleCore
import Testing

private func term(_ value: String) throws -> [UInt8] {
    let document = try IncomingDocument(parsing: Array(#"{"a":\#(value)}"#.utf8))
    // {[{<<"a">>,Value}]}
    let before: [UInt8] = [104, 1, 108, 0, 0, 0, 1, 104, 2, 109, 0, 0, 0, 1, 0x61]
    #expect(document.bodyTerm.starts(with: before))
    #expect(document.bodyTerm.last == 106)
    return Array(document.bodyTerm[before.count..<document.bodyTerm.count - 1])
}

private let terms: [(String, [UInt8])] = [
    ("null", [100, 0, 4] + Array("null".utf8)), ("true", [100, 0, 4] + Array("true".utf8)),
    ("false", [100, 0, 5] + Array("false".utf8)), ("{}", [104, 1, 106]), ("[]", [106]),
    ("\"\"", [109, 0, 0, 0, 0]), ("\"é\"", [109, 0, 0, 0, 2, 0xC3, 0xA9]),
    ("0", [97, 0]), ("-0", [97, 0]), ("255", [97, 255]), ("256", [98, 0, 0, 1, 0]),
    ("-1", [98, 255, 255, 255, 255]),
    ("2147483647", [98, 127, 255, 255, 255]), ("2147483648", [110, 4, 0, 0, 0, 0, 128]),
    ("-2147483648", [98, 128, 0, 0, 0]), ("-2147483649", [110, 4, 1, 1, 0, 0, 128]),
    ("9223372036854775807", [110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 127]),
    ("-9223372036854775808", [110, 8, 1, 0, 0, 0, 0, 0, 0, 0, 128]),
    ("9223372036854775808", [110, 8, 0, 0, 0, 0, 0, 0, 0, 0, 128]),
    ("18446744073709551615", [110, 8, 0, 255, 255, 255, 255, 255, 255, 255, 255]),
    ("18446744073709551616", [110, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ("-340282366920938463463374607431768211456", [110, 17, 1] + [UInt8](repeating: 0, count: 16) + [1]),
    ("-2.5", [70, 0xC0, 0x04, 0, 0, 0, 0, 0, 0]), ("-0.0", [70, 0x80, 0, 0, 0, 0, 0, 0, 0]),
    ("[1,2,3]", [107, 0, 3, 1, 2, 3]), ("[1,256]", [108, 0, 0, 0, 2, 97, 1, 98, 0, 0, 1, 0, 106]),
    ("[-0,255]", [107, 0, 2, 0, 255]), ("[1.0]", [108, 0, 0, 0, 1, 70, 0x3F, 0xF0, 0, 0, 0, 0, 0, 0, 106]),
    ("[[],[7]]", [108, 0, 0, 0, 2, 106, 107, 0, 1, 7, 106]),
]

@Suite("Erlang terms")
struct ErlangTermTests {
    @Test("values have Erlang's bytes", arguments: terms)
    func bytes(text: String, expected: [UInt8]) throws {
        #expect(try term(text) == expected)
    }

    @Test("an array of bytes is a string up to 65,535 of them")
    func strings() throws {
        func array(_ count: Int) -> String {
            "[" + Array(repeating: "7", count: count).joined(separator: ",") + "]"
        }
        #expect(try term(array(65_535)) == [107, 255, 255] + [UInt8](repeating: 7, count: 65_535))
        let list = (0..<65_536).flatMap { _ in [97, 7] as [UInt8] }
        #expect(try term(array(65_536)) == [108, 0, 1, 0, 0] + list + [106])
    }

    @Test("an integer of more than 255 bytes takes the large form")
    func largeIntegers() throws {
        // 256^255 has 256 bytes, one less has 255.
        var digits: [UInt8] = [1]
        for _ in 0..<255 {
            var carry = 0
            for index in digits.indices.reversed() {
                let product = Int(digits[index]) * 256 + carry
                digits[index] = UInt8(product % 10)
                carry = product / 10
            }
            while carry > 0 {
                digits.insert(UInt8(carry % 10), at: 0)
                carry /= 10
            }
        }
        let power = digits.map { "\($0)" }.joined()
        #expect(try term(power) == [111, 0, 0, 1, 0, 0] + [UInt8](repeating: 0, count: 255) + [1])
        digits[digits.count - 1] -= 1
        let below = digits.map { "\($0)" }.joined()
        #expect(try term(below) == [110, 255, 0] + [UInt8](repeating: 255, count: 255))
    }
}
