import SettleStorage
import SettleTestSupport
import Testing

@testable import Settle

@Suite("What is packed for the way")
struct WirePackerTests {
    private let text = Array(String(repeating: #"{"id":"a","seq":1},"#, count: 400).utf8)

    @Test("can be read piece by piece, as soon as each arrives")
    func pieces() throws {
        let (packer, unpacker) = (try WirePacker(), try GzipStream(.decompress))
        var all: [UInt8] = []
        for piece in [text[...], [10], text[..<5], [], text[100...]] {
            var packed: [UInt8] = []
            try packer.pack(piece, to: &packed)
            var unpacked: [UInt8] = []
            try unpacker.append(packed[...], to: &unpacked)
            #expect(unpacked == Array(piece))
            all += unpacked
        }
        var end: [UInt8] = []
        try packer.finish(to: &end)
        try unpacker.append(end[...], to: &all)
        try unpacker.finish(to: &all)
        #expect(all.count == 2 * text.count + 1 + 5 - 100)
    }

    @Test("is what was there before, and less; little, and what is packed already, is left alone")
    func whole() throws {
        let packed = try #require(WirePacker.packed(text))
        #expect(packed.count < text.count / 10)
        var unpacked: [UInt8] = []
        let stream = try GzipStream(.decompress)
        try stream.append(packed[...], to: &unpacked)
        try stream.finish(to: &unpacked)
        #expect(unpacked == text)
        #expect(WirePacker.packed(Array(text.prefix(WirePacker.threshold - 1))) == nil)
        var random = SeededGenerator(seed: 1)
        let noise = (0..<5_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        #expect(WirePacker.packed(noise) == nil)
    }
}
