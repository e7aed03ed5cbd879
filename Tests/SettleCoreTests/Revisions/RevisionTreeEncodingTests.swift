import SettleCore
import SettleTestSupport
import Testing

@Suite("Trees as bytes")
struct RevisionTreeEncodingTests {
    private func bytes(_ tree: RevisionTree) -> [UInt8] {
        var bytes: [UInt8] = []
        tree.append(to: &bytes)
        return bytes
    }

    @Test("what is written is read again, wherever it stands", arguments: 0..<150 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var tree = RandomHistory(
            seed: seed,
            revisions: 2 + Int(seed) / 5,
            arrivals: Int(seed) / 6,
            isLinear: seed % 2 == 0
        ).tree
        if seed % 3 == 0 { _ = tree.detachTrunk(keeping: 2) }
        if seed % 4 == 0 { tree.stem(to: 3) }
        let written = [7, 7] + bytes(tree) + [9]
        var position = 2
        let read = try RevisionTree(decoding: written, at: &position)
        #expect(read == tree)
        #expect(position == written.count - 1)
        #expect(bytes(read) == bytes(tree))
    }

    @Test("the tree of one revision takes 23 bytes, a further revision of a line few more than its digest")
    func size() throws {
        let first = try #require(RevisionID("1-00112233445566778899aabbccddeeff"))
        let second = try #require(RevisionID("2-ffeeddccbbaa99887766554433221100"))
        let content = RevisionContent(body: 9000, bodySize: 99, sequence: 12)
        var tree = RevisionTree()
        tree.merge(path: [first], content)
        #expect(bytes(tree).count == 23)
        tree.merge(path: [second, first], content)
        #expect(bytes(tree).count == 23 + 21)
        var named = RevisionTree()
        named.merge(path: [second, first], content)
        #expect(bytes(named).count == 23 + 17)
    }

    @Test("every truncation is refused", arguments: 0..<12 as Range<UInt64>)
    func truncated(seed: UInt64) {
        let written = bytes(RandomHistory(seed: seed, revisions: 12, arrivals: 6).tree)
        for length in 0..<written.count {
            var position = 0
            #expect(throws: SettleError.self) {
                try RevisionTree(decoding: Array(written[..<length]), at: &position)
            }
            #expect(position == 0)
        }
    }

    @Test(
        "damaged bytes give a well-formed tree with that very spelling, or an error",
        arguments: 0..<60 as Range<UInt64>
    )
    func damaged(seed: UInt64) {
        let tree = RandomHistory(seed: seed, revisions: 10, arrivals: 5, isLinear: seed % 2 == 0).tree
        let written = bytes(tree)
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            var bytes = written
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(
                    in: 0...255,
                    using: &random
                )
            }
            check(bytes)
        }
    }

    @Test(
        "random bytes give a well-formed tree with that very spelling, or an error",
        arguments: 0..<60 as Range<UInt64>
    )
    func garbage(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<200 {
            // Small numbers get further before they fail.
            let highest = UInt8.random(in: 3...255, using: &random)
            check(
                (0..<Int.random(in: 0...60, using: &random)).map { _ in
                    UInt8.random(in: 0...highest, using: &random)
                }
            )
        }
    }

    private func check(_ read: [UInt8]) {
        var position = 0
        guard let tree = try? RevisionTree(decoding: read, at: &position) else {
            #expect(position == 0)
            return
        }
        #expect(tree.isWellFormed)
        #expect(tree.nodes.indices.filter { tree.isLeaf($0) } == tree.leavesAscending)
        #expect(bytes(tree) == Array(read[..<position]))
    }

    @Test("the highest numbers there are do no harm")
    func extremes() throws {
        // One root of the highest generation, a trunk of 2³¹−1, and content of the highest numbers.
        let highest = [UInt8](repeating: 0xFF, count: 9) + [1]
        let node: [UInt8] = [0b01110] + highest + [1, 0x61] + highest + highest + highest
        var position = 0
        var tree = try RevisionTree(decoding: [3, 0xFF, 0xFF, 0xFF, 0xFF, 7] + node, at: &position)
        #expect(tree.isLeaf(0))
        #expect(tree.missing(from: revisions("1-a", "2-b")).count == 2)
        #expect(tree.needsTrunk(path: revisions("2-b", "1-a")))
        tree.stem(to: Int.max)
        #expect(tree.trunkLength == Int(Int32.max))
        tree.stem(to: 3)
        #expect(tree.trunkLength == 2)
        position = 0
        #expect(throws: SettleError.self) {
            try RevisionTree(decoding: [3, 0x80, 0x80, 0x80, 0x80, 8] + node, at: &position)
        }
    }

    @Test("a line is a tree if its generations ascend by one")
    func line() throws {
        let nodes = tree("4-d 3-c 2-b").nodes
        #expect(try RevisionTree(line: nodes) == tree("4-d 3-c 2-b"))
        #expect(throws: SettleError.self) { try RevisionTree(line: nodes.reversed()) }
    }
}
