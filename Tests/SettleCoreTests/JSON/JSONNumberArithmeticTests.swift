import SettleCore
import Testing

@Suite("Sums and products of JSON numbers")
struct JSONNumberArithmeticTests {
    private func number(_ text: String) throws -> JSONNumber {
        guard case .number(let number) = try JSONValue(parsing: Array(text.utf8)) else {
            throw SettleError(.badRequest)
        }
        return number
    }

    @Test(
        "integers of any length are exact",
        arguments: [
            ("99999999999999999999", "1", "100000000000000000000"), ("-5", "3", "-2"), ("5", "-5", "0"),
            ("-99999999999999999999", "99999999999999999998", "-1"),
            ("1000000000000000000000", "-1", "999999999999999999999"),
        ]
    )
    func sums(left: String, right: String, expected: String) throws {
        #expect(JSONValue.number(try number(left).adding(number(right))).text == expected)
        #expect(JSONValue.number(try number(right).adding(number(left))).text == expected)
    }

    @Test("squares are exact too")
    func squares() throws {
        #expect(JSONValue.number(try number("-3037000500").squared).text == "9223372037000250000")
        #expect(
            JSONValue.number(try number("12345678901234567890").squared).text
                == "152415787532388367501905199875019052100"
        )
        #expect(JSONValue.number(try number("1.5").squared).text == "2.25")
    }

    @Test("integers and doubles compare by their value, exactly")
    func order() throws {
        let ascending = [
            "-99999999999999999999", "-9223372036854775808", "-1.5", "-1", "0", "0.5", "1", "1.25",
            "9007199254740993",
            "9223372036854775807", "9223372036854775808.0", "99999999999999999999999",
        ]
        for (left, right) in zip(ascending, ascending.dropFirst()) {
            #expect(try number(left).isLess(than: number(right)), "\(left) < \(right)")
            #expect(try !number(right).isLess(than: number(left)), "\(right) >= \(left)")
        }
        #expect(try number("9007199254740992.0").isLess(than: number("9007199254740993")))
        #expect(try !number("1").isLess(than: number("1.0")))
        #expect(try !number("1.0").isLess(than: number("1")))
    }
}
