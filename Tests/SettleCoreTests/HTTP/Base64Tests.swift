import SettleCore
import SettleTestSupport
import Testing

@Suite("Base64")
struct Base64Tests {
    @Test("what was encoded is decoded, in pieces or at once", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int(seed)).map { _ in UInt8.random(in: 0...255, using: &random) }
        let text = Base64.encoded(bytes)
        #expect(Base64.decodeStrictly(Array(text.utf8)) == bytes)
        #expect(Base64.decode(text.utf8) == bytes)
        var encoder = Base64Encoder()
        var output: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 0..<6, using: &random))
            encoder.append(piece, to: &output)
            rest = rest.dropFirst(piece.count)
        }
        encoder.finish(to: &output)
        #expect(String(decoding: output, as: UTF8.self) == text)
    }

    @Test(
        "the strict reading needs padding and passes over white space",
        arguments: [
            ("Zm9v", "foo"), (" Zm\r\n9v\t", "foo"), ("Zg= =", "f"), ("Zm9vZm8=", "foofo"), ("", ""),
            ("Zg", nil), ("Zg=", nil), ("Zg===", nil), ("Zm9v====", nil), ("Z===", nil), ("Zg==Zg==", nil),
            ("Zm9v*", nil), ("Zm-v", nil), ("=", nil),
        ] as [(String, String?)]
    )
    func strict(text: String, expected: String?) {
        let decoded = Base64.decodeStrictly(Array(text.utf8))
        #expect(decoded.map { String(decoding: $0, as: UTF8.self) } == expected)
    }
}
