import SettleCore
import Testing

private let wrong: [(String, Int, JSONError.Problem)] = [
    ("", 0, .unexpectedEnd), (" \n", 2, .unexpectedEnd), ("{", 1, .unexpectedEnd), ("[1", 2, .unexpectedEnd),
    ("{\"a\"", 4, .unexpectedEnd), ("\"a", 2, .unexpectedEnd), ("tru", 3, .unexpectedEnd),
    ("-", 1, .unexpectedEnd),
    ("1.", 2, .unexpectedEnd), ("1e", 2, .unexpectedEnd), ("1e+", 3, .unexpectedEnd),
    ("\"\\u00", 5, .unexpectedEnd),
    (#"{"a":}"#, 5, .unexpectedByte), ("{'a':1}", 1, .unexpectedByte), (#"{"a":1,}"#, 7, .unexpectedByte),
    ("[1,]", 3, .unexpectedByte), ("[,1]", 1, .unexpectedByte), (#"{"a":.5}"#, 5, .unexpectedByte),
    (#"{"a":01}"#, 6, .unexpectedByte), ("[NaN]", 1, .unexpectedByte), ("[Infinity]", 1, .unexpectedByte),
    ("[nulL]", 4, .unexpectedByte), ("[+1]", 1, .unexpectedByte), ("[1.e5]", 3, .unexpectedByte),
    ("[--1]", 2, .unexpectedByte), (#"{"a" 1}"#, 5, .unexpectedByte), (#"{"a":1 "b":2}"#, 7, .unexpectedByte),
    ("[1}", 2, .unexpectedByte), (#"{"a":1]"#, 6, .unexpectedByte), ("{1:2}", 1, .unexpectedByte),
    ("\u{0}", 0, .unexpectedByte), ("\u{FEFF}{}", 0, .unexpectedByte), ("/**/1", 0, .unexpectedByte),
    (#"{"a":1}}"#, 7, .trailingBytes), ("1 2", 2, .trailingBytes), ("nullx", 4, .trailingBytes),
    ("01", 1, .trailingBytes), ("{}\u{0}", 2, .trailingBytes),
    ("\"tab\there\"", 4, .controlCharacter), ("\"\u{1F}\"", 1, .controlCharacter),
    (#""\x""#, 2, .invalidEscape), (#""\u12g4""#, 5, .invalidEscape), (#""\U0041""#, 2, .invalidEscape),
    (#"{"a":"\ud800"}"#, 6, .loneSurrogate), (#""\udc00""#, 1, .loneSurrogate),
    (#""\ud800\u0041""#, 1, .loneSurrogate), (#""\ud800\ud800""#, 1, .loneSurrogate),
    (#""\udbffx\udfff""#, 1, .loneSurrogate),
    ("[1e309]", 1, .numberOutOfRange), ("[-1.8e308]", 1, .numberOutOfRange),
    ("1e99999999999999999999", 0, .numberOutOfRange),
    ("1\(String(repeating: "0", count: 309)).5", 0, .numberOutOfRange),
    ("1\(String(repeating: "0", count: 309))e0", 0, .numberOutOfRange),
]

private let notUTF8: [[UInt8]] = [
    [0xFF], [0x80], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF],
    [0xE2, 0x82],
    [0xE2, 0x82, 0x28], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80],
    [0xF0, 0x8F, 0xBF, 0xBF],
    [0xF0, 0x9F, 0x98], [0xF0, 0x9F, 0x98, 0x28], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80],
]

private let sample = Array(
    #"{"_id":"x","a":[1,-2.5e3,true,false,null,{}],"é\u00e9\ud83d\ude00":{"b":"\n\\"},"_x":"","z":[[]]}"#.utf8
)

/// Every way to read a text; all have to agree.
private func errors(_ text: [UInt8]) -> [JSONError?] {
    func error(_ body: () throws(JSONError) -> Void) -> JSONError? {
        do throws(JSONError) {
            try body()
            return nil
        } catch {
            return error
        }
    }
    return [
        error { () throws(JSONError) in _ = try JSONValue(parsing: text) },
        error { () throws(JSONError) in
            var output: [UInt8] = []
            try JSONText.appendCanonical(text, to: &output)
        },
        error { () throws(JSONError) in
            var reader = JSONReader(text)
            _ = try reader.skip()
            try reader.finish()
        },
        error { () throws(JSONError) in
            var reader = JSONReader(text)
            try walk(&reader)
            try reader.finish()
        },
    ]
}

/// Reads everything through the pull reader.
private func walk(_ reader: inout JSONReader) throws(JSONError) {
    if try reader.enterObject() {
        while try reader.nextMember() { try walk(&reader) }
    } else if try reader.enterArray() {
        while try reader.nextElement() { try walk(&reader) }
    } else {
        switch try reader.kind() {
        case .string: _ = try reader.string()
        case .number: _ = try reader.number()
        case .bool: _ = try reader.bool()
        default: _ = try reader.skip()
        }
    }
}

@Suite("JSON errors")
struct JSONErrorTests {
    @Test("each fault is reported where it is, by every reader", arguments: wrong)
    func faults(text: String, offset: Int, problem: JSONError.Problem) {
        let expected = JSONError(offset: offset, problem: problem)
        #expect(errors(Array(text.utf8)) == [expected, expected, expected, expected])
    }

    @Test("bytes that aren't UTF-8 are refused where they begin", arguments: notUTF8)
    func encoding(bytes: [UInt8]) {
        let text = Array(#"["é"#.utf8) + bytes + Array(#""]"#.utf8)
        let expected = JSONError(offset: 4, problem: .invalidUTF8)
        #expect(errors(text) == [expected, expected, expected, expected])
    }

    @Test("a text deeper than a thousand levels is refused at the level that is one too many")
    func depth() {
        for (opening, offset) in [("[", 1_000), (#"{"":"#, 4_000), (#"[{"a":"#, 3_000)] {
            let expected = JSONError(offset: offset, problem: .tooDeep)
            #expect(
                errors(Array(String(repeating: opening, count: 100_000).utf8)) == [
                    expected, expected, expected, expected,
                ]
            )
        }
        let deepest = String(repeating: "[", count: 1_000) + String(repeating: "]", count: 1_000)
        #expect(errors(Array(deepest.utf8)) == [nil, nil, nil, nil])
    }

    @Test("an integer of more than 100,000 digits is refused")
    func digits() {
        let expected = JSONError(offset: 1, problem: .numberOutOfRange)
        let text = "[" + String(repeating: "9", count: 100_001) + "]"
        #expect(errors(Array(text.utf8)) == [expected, expected, expected, expected])
    }

    @Test("numbers in CouchDB's range are accepted")
    func numbers() {
        for text in [
            "1e308", "-1.7976931348623157e308", "1e-400", "0e999999", String(repeating: "9", count: 1_000),
        ] {
            #expect(errors(Array(text.utf8)) == [nil, nil, nil, nil])
        }
    }

    @Test("every truncation of a text is refused, at its end or just before")
    func truncations() {
        #expect(errors(sample) == [nil, nil, nil, nil])
        for length in 0..<sample.count {
            let found = errors(Array(sample[..<length]))
            #expect(Set(found).count == 1 && found[0] != nil, "\(length)")
            #expect((found[0]?.offset).map { $0 <= length } == true)
            #expect(throws: SettleError(.badRequest, "invalid UTF-8 JSON")) {
                try IncomingDocument(parsing: sample, in: 0..<length)
            }
        }
    }

    @Test("all readers agree on changed texts", arguments: 0..<40 as Range<UInt64>)
    func mutations(seed: UInt64) {
        var random = JSONGenerator(seed: seed)
        for _ in 0..<500 {
            let text = random.mutate(random.below(3) == 0 ? sample : random.value(depth: 3).bytes)
            let found = errors(text)
            #expect(Set(found).count == 1, "seed \(seed): \(text)")
        }
    }

    @Test("random bytes never crash a reader", arguments: 0..<10 as Range<UInt64>)
    func noise(seed: UInt64) {
        var random = JSONGenerator(seed: seed)
        let alphabet = Array("{}[]:,\"\\u0019eE+-. tfn_".utf8) + [0x80, 0xC3, 0xA9, 0xF0, 0x9F]
        for _ in 0..<2_000 {
            let text = (0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] }
            #expect(Set(errors(text)).count == 1, "seed \(seed): \(text)")
            let document = try? IncomingDocument(parsing: text)
            #expect(document == nil || errors(text)[0] == nil)
        }
    }

    @Test("an error says what and where, and to a client what CouchDB says")
    func words() {
        let error = JSONError(offset: 12, problem: .unexpectedByte)
        #expect(error.description == "unexpectedByte at offset 12")
        #expect(SettleError(error).description == "bad_request: invalid UTF-8 JSON")
    }
}
