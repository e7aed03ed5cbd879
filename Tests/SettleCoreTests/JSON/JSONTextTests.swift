import SettleCore
import Testing

private func canonical(_ text: String) throws(JSONError) -> String {
    var output: [UInt8] = []
    try JSONText.appendCanonical(Array(text.utf8), to: &output)
    return String(decoding: output, as: UTF8.self)
}

/// Spellings of numbers, and CouchDB's.
private let spellings: [(String, String)] = [
    ("0", "0"), ("-0", "0"), ("-1", "-1"),
    ("123456789012345678901234567890", "123456789012345678901234567890"),
    ("9223372036854775808", "9223372036854775808"), ("-9223372036854775809", "-9223372036854775809"),
    ("1.0", "1.0"), ("1.00", "1.0"), ("1.50", "1.5"), ("-2.5", "-2.5"), ("0.0", "0.0"), ("-0.0", "0.0"),
    ("0.000", "0.0"),
    ("1e3", "1000.0"), ("1E+3", "1000.0"), ("1.5e-7", "1.5e-7"), ("15e-8", "1.5e-7"), ("0.001", "0.001"),
    ("1e-3", "0.001"),
    ("0.000001", "0.000001"), ("1e-6", "0.000001"), ("0.0000015", "0.0000015"), ("0.0000001", "1e-7"),
    ("0.00000012", "1.2e-7"), ("-1e-7", "-1e-7"), ("12.0000001", "12.0000001"),
    ("1e20", "100000000000000000000.0"), ("1.5e20", "150000000000000000000.0"),
    ("123456789012345678901.0", "123456789012345680000.0"),
    ("1e21", "1e+21"), ("1.5e21", "1.5e+21"), ("1.7976931348623157e308", "1.7976931348623157e+308"),
    ("5e-324", "0.0"), ("1e-400", "0.0"), ("5.0e-324", "5e-324"), ("2.5e-320", "2.5e-320"),
    ("1.0e-400", "0.0"),
    ("2.2250738585072014e-308", "2.2250738585072014e-308"),
    ("22250738585072014e-324", "2.2250738585072014e-308"),
    ("22250738585072014e-325", "0.0"), ("22250738585072014.0e-325", "2.225073858507203e-309"),
    ("0.1", "0.1"), ("0.30000000000000004", "0.30000000000000004"),
    ("0.1000000000000000055511151231257827", "0.1"),
    ("9007199254740993.0", "9007199254740992.0"), ("100.25", "100.25"),
    ("13.404953999999975", "13.404953999999975"),
    ("4.35", "4.35"), ("1e23", "1e+23"), ("0.5e1", "5.0"), ("123456.789e3", "123456789.0"),
    ("10000000000000000000000000000000000e-33", "10.0"),
]

@Suite("Canonical JSON text")
struct JSONTextTests {
    @Test("numbers are spelled as CouchDB spells them", arguments: spellings)
    func numbers(text: String, expected: String) throws {
        #expect(try canonical(text) == expected)
        #expect(try canonical("[\(text), {\"a\" :\(text)}]") == "[\(expected),{\"a\":\(expected)}]")
        #expect(try JSONValue(parsing: Array(text.utf8)).text == expected)
    }

    @Test("strings are escaped as CouchDB escapes them")
    func strings() throws {
        #expect(try canonical(#""\n\t\"\\\/\b\f\r""#) == #""\n\t\"\\/\b\f\r""#)
        #expect(try canonical(#""\u0000\u001f\u007f""#) == "\"\\u0000\\u001F\u{7F}\"")
        #expect(
            try canonical(#""\u000a\u0022\u005C\u0041\u00e9\u65e5\uD83D\uDE00""#) == "\"\\n\\\"\\\\Aé日😀\""
        )
        #expect(try canonical(#"{"\u0061\/":"é"}"#) == #"{"a/":"é"}"#)
        #expect(try canonical(#"{"":""}"#) == #"{"":""}"#)
    }

    @Test("text is quoted the same from bytes, slices and strings")
    func quoting() {
        let text = "a\"\\\u{8}\u{C}\n\r\t\u{1}\u{1F}/é\u{7F}"
        let expected = "\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001F/é\u{7F}\""
        var output: [[UInt8]] = [[], [], []]
        JSONText.appendString(text, to: &output[0])
        JSONText.appendString(Array(text.utf8), to: &output[1])
        JSONText.appendString(Array("xx\(text)yy".utf8)[2..<2 + text.utf8.count], to: &output[2])
        for bytes in output { #expect(String(decoding: bytes, as: UTF8.self) == expected) }
    }

    @Test("doubles that JSON can't hold become null")
    func notNumbers() {
        #expect(JSONValue.number(JSONNumber(Double.infinity)).text == "null")
        #expect(JSONValue.number(JSONNumber(Double.nan)).text == "null")
    }

    @Test("white space goes, members keep their order")
    func whiteSpace() throws {
        #expect(
            try canonical(" { \"b\" : [ 1 , 2 ] ,\n\t\"a\" : { } , \"c\":[ ]}\r\n")
                == #"{"b":[1,2],"a":{},"c":[]}"#
        )
    }

    @Test("of members with one name the last one remains, at every depth")
    func repeatedNames() throws {
        #expect(try canonical(#"{"a":1,"b":2,"a":3}"#) == #"{"b":2,"a":3}"#)
        #expect(try canonical(#"{"x":[{"a":1,"\u0061":2.50}]}"#) == #"{"x":[{"a":2.5}]}"#)
        let names = (0..<100).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try canonical("{\(names)}") == "{\(names)}")
        #expect(try canonical("{\(names),\"k0\":1}") == "{\(names.dropFirst(7)),\"k0\":1}")
    }

    @Test("canonical text stays as it is, and the tree prints the same", arguments: 0..<40 as Range<UInt64>)
    func fixedPoint(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        for _ in 0..<50 {
            let value = random.value()
            let spelled = String(decoding: random.respell(value), as: UTF8.self)
            let text = try canonical(spelled)
            #expect(text == value.text, "seed \(seed)")
            #expect(try canonical(text) == text, "seed \(seed)")
        }
    }
}
