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
        "text in pieces reads as the whole does, or is refused like it",
        arguments: 0..<200 as Range<UInt64>
    )
    func decoding(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bytes = (0..<Int.random(in: 0..<60, using: &random)).map { _ in
            UInt8.random(in: 0...255, using: &random)
        }
        var text = Array(Base64.encoded(bytes).utf8)
        for _ in 0..<Int.random(in: 0..<3, using: &random) {
            let other = Array(" \n=A*\r".utf8).randomElement(using: &random) ?? 0
            text.insert(other, at: Int.random(in: 0...text.count, using: &random))
        }
        var decoder = Base64Decoder()
        var output: [UInt8] = []
        var rest = text[...]
        var isValid = true
        while !rest.isEmpty {
            let piece = rest.prefix(Int.random(in: 1..<9, using: &random))
            rest = rest.dropFirst(piece.count)
            isValid = isValid && decoder.append(piece, to: &output)
        }
        let whole = Base64.decodeStrictly(text)
        #expect((isValid && decoder.isComplete ? output : nil) == whole, "seed \(seed)")
        #expect(Base64Text(text[...])?.count == whole?.count)
        // A plain reading, digit by digit.
        let digits = text.filter { !" \n\r".utf8.contains($0) }
        let data = digits.prefix { $0 != UInt8(ascii: "=") }
        let paddings = digits.count - data.count
        let isBase64 =
            digits.count % 4 == 0 && paddings < 3 && !data.contains(UInt8(ascii: "*"))
            && digits[data.count...].allSatisfy { $0 == UInt8(ascii: "=") }
        #expect((whole != nil) == isBase64, "seed \(seed)")
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
