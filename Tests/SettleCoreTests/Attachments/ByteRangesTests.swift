import SettleCore
import SettleTestSupport
import Testing

@Suite("Byte ranges")
struct ByteRangesTests {
    @Test(
        "ranges of 20 bytes",
        arguments: [
            ("bytes=0-4", .single(0...4)), ("bytes=5-", .single(5...19)), ("bytes=-3", .single(17...19)),
            ("bytes=0-0", .single(0...0)), ("bytes=10-100", .single(10...19)),
            ("bytes=0-19", .single(0...19)),
            ("bytes=-100", .single(0...19)), ("bytes=19-", .single(19...19)),
            ("bytes=0-1,4-5", .several([0...1, 4...5])), ("bytes= 4-5 , ,-1", .several([4...5, 19...19])),
            ("bytes=3-4,0-1,3-4", .several([3...4, 0...1, 3...4])),
            ("bytes=0-99999999999999999999999", .single(0...19)),
            (nil, .whole), ("lines=1-2", .whole), ("Bytes=0-4", .whole), ("bytes=", .whole),
            ("bytes=-", .whole),
            ("bytes=a-b", .whole), ("bytes=1-2-3", .whole), ("bytes=0-", .whole), ("bytes=1 - 2", .whole),
            ("bytes=2-3,0-", .whole), ("bytes=0-,7-3", .whole), ("bytes=7-3,x", .whole),
            ("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9", .whole),
        ] as [(String?, ByteRanges)]
    )
    func table(header: String?, expected: ByteRanges) throws {
        #expect(try ByteRanges(header, length: 20) == expected)
    }

    @Test(
        "what there is nothing of is a 416",
        arguments: [
            ("bytes=100-200", 20), ("bytes=7-3", 20), ("bytes=20-", 20), ("bytes=-0", 20), ("bytes=0-4", 0),
            ("bytes=-3", 0), ("bytes=0-1,20-30", 20), ("bytes=7-3,0-", 20),
        ] as [(String, UInt64)]
    )
    func unsatisfiable(header: String, length: UInt64) {
        let error = #expect(throws: SettleError.self) { try ByteRanges(header, length: length) }
        #expect(error?.status == 416)
        #expect(error?.reason == "Requested range not satisfiable")
    }

    @Test("no header makes a range outside of the content", arguments: 0..<300 as Range<UInt64>)
    func bounds(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let length = UInt64.random(in: 0..<30, using: &random)
        var header = "bytes="
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            header += ["-", ",", "1", "5", "20", "0", " "].randomElement(using: &random) ?? ""
        }
        let found: ByteRanges
        do throws(SettleError) {
            found = try ByteRanges(header, length: length)
        } catch {
            #expect(error.kind == .rangeNotSatisfiable)
            return
        }
        switch found {
        case .whole: break
        case .single(let range): #expect(range.upperBound < length)
        case .several(let ranges):
            #expect((2..<10).contains(ranges.count) && ranges.allSatisfy { $0.upperBound < length })
        }
    }

    @Test("the Content-Range header names range and length")
    func contentRange() {
        #expect(ByteRanges.contentRange(17...19, length: 20) == "bytes 17-19/20")
    }
}
