import SettleCollation
import SettleCore
import SettleTestSupport
import Testing

@Suite("The ICU collator")
struct ICUCollatorTests {
    private func sortKey(_ text: [UInt8], _ collator: ICUCollator) -> [UInt8] {
        var key: [UInt8] = [0xAB]
        let framed = [0x41, 0xC3] + text + [0x42]
        collator.appendSortKey(of: framed, in: 2..<framed.count - 1, to: &key)
        #expect(key.first == 0xAB)
        return Array(key.dropFirst())
    }

    @Test("has a version")
    func version() throws {
        #expect(try ICUCollator.shared.version.split(separator: ".").count == 4)
    }

    @Test("gives ASCII strings the sort keys that ICU gives them")
    func asciiTable() throws {
        let (fast, slow) = (try ICUCollator(), try ICUCollator(usesASCIITable: false))
        #expect(fast.hasASCIITable)
        #expect(!slow.hasASCIITable)
        var generator = KeyGenerator(seed: 21)
        for _ in 0..<10_000 {
            let text = generator.ascii()
            #expect(sortKey(text, fast) == sortKey(text, slow), "\(text), seed 21")
        }
    }

    @Test("gives strings sort keys that sort like ICU's comparison of them")
    func comparison() throws {
        let collator = try ICUCollator.shared
        var generator = KeyGenerator(seed: 22)
        for _ in 0..<10_000 {
            let left = generator.below(4) == 0 ? generator.ascii() : Array(generator.string().utf8)
            let right = generator.below(4) == 0 ? generator.ascii() : Array(generator.string().utf8)
            let keys = CollationLaw.bytes(sortKey(left, collator), sortKey(right, collator))
            #expect(
                keys.signum() == collator.compare(left, right).signum(),
                "\(left) against \(right), seed 22"
            )
        }
    }

    @Test("never puts a zero byte into a sort key")
    func noZeroBytes() throws {
        var generator = KeyGenerator(seed: 23)
        let collator = try ICUCollator.shared
        for _ in 0..<10_000 {
            #expect(!sortKey(Array(generator.string().utf8), collator).contains(0), "seed 23")
        }
        #expect(sortKey([0x61, 0, 0x62], collator) == sortKey([0x61, 0x62], collator))
        #expect(sortKey([0xC3, 0xA9, 0, 0x62], collator) == sortKey(Array("éb".utf8), collator))
    }

    @Test("reads what is no UTF-8 as U+FFFD")
    func invalidUTF8() throws {
        let collator = try ICUCollator.shared
        let replaced = sortKey(Array("a\u{FFFD}b".utf8), collator)
        #expect(sortKey([0x61, 0xFF, 0x62], collator) == replaced)
        #expect(sortKey([0x61, 0xC3, 0x62], collator) == replaced)
    }

    @Test("has keys for strings of any length")
    func longStrings() throws {
        let collator = try ICUCollator.shared
        let long = Array(String(repeating: "日本語ä", count: 100_000).utf8)
        let key = sortKey(long, collator)
        #expect(key.count > 300_000)
        #expect(key.lexicographicallyPrecedes(sortKey(long + [0x61], collator)))
        let ascii = [UInt8](repeating: 0x61, count: 1_000_000)
        #expect(sortKey(ascii, collator).lexicographicallyPrecedes(sortKey(ascii + [0x41], collator)))
    }

    @Test("answers any number of threads at once")
    func threads() async throws {
        let collator = try ICUCollator.shared
        let texts = ["Aa", "ä", "日本", "a\u{301}", "~"].map { Array($0.utf8) }
        let expected = texts.map { sortKey($0, collator) }
        await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    (0..<2_000).allSatisfy { turn in
                        var key: [UInt8] = []
                        let text = texts[turn % texts.count]
                        collator.appendSortKey(of: text, in: text.indices, to: &key)
                        return key == expected[turn % texts.count]
                    }
                }
            }
            for await agrees in group { #expect(agrees) }
        }
    }
}
