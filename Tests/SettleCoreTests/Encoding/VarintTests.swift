import SettleCore
import SettleTestSupport
import Testing

@Suite("Varints")
struct VarintTests {
    private func bytes(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        appendVarint(value, to: &bytes)
        return bytes
    }

    @Test(
        "numbers have the spelling that the format says",
        arguments: [
            (0, [0]), (5, [5]), (127, [0x7F]), (128, [0x80, 1]), (300, [0xAC, 2]),
            (UInt64.max, [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1]),
        ] as [(UInt64, [UInt8])]
    )
    func spelling(value: UInt64, expected: [UInt8]) {
        #expect(bytes(value) == expected)
    }

    @Test("what is written is read again", arguments: 0..<64 as Range<UInt64>)
    func roundTrip(shift: UInt64) {
        var random = SeededGenerator(seed: shift)
        for value: UInt64 in [1 << shift, (1 << shift) - 1, random.next() >> shift] {
            let written = [0xAA] + bytes(value) + [0xAA]
            var position = 1
            #expect(readVarint(written, at: &position) == value)
            #expect(position == written.count - 1)
        }
    }

    @Test(
        "bytes that end early, say too much, or spell too long are refused, and the position stays",
        arguments: [
            [], [0x80], [0xFF, 0xFF], [0x80, 0], [0x85, 0x80, 0],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 2],
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x81, 0],
        ] as [[UInt8]]
    )
    func refused(bytes: [UInt8]) {
        var position = 0
        #expect(readVarint(bytes, at: &position) == nil)
        #expect(position == 0)
    }

    @Test("a position outside the bytes reads nothing", arguments: [-1, 2, 99])
    func outside(start: Int) {
        var position = start
        #expect(readVarint([1, 1], at: &position) == nil)
        #expect(position == start)
    }
}
