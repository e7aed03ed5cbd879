import SettleCore
import SettleTestSupport
import Testing

@Suite("Stemming")
struct RevisionTreeStemmingTests {
    @Test("each leaf keeps as many revisions as the limit says", arguments: 0..<100 as Range<UInt64>)
    func naive(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 25, arrivals: 10, isLinear: seed % 2 == 0)
        for limit in [1, 2, 3, 5, 9, 25] {
            let before = history.tree
            var tree = before
            let removed = tree.stem(to: limit)
            let expected = NaiveTree(before).stemmed(to: limit)
            #expect(NaiveTree(tree) == expected)
            #expect(tree.isWellFormed)
            #expect(
                Set(removed.map(\.revision))
                    == Set(before.nodes.map(\.revision)).subtracting(expected.contents.keys)
            )
            #expect(removed.map(\.revision) == removed.map(\.revision).sorted())
        }
    }

    @Test("stemming again, or to a looser limit, removes nothing more", arguments: 0..<40 as Range<UInt64>)
    func idempotence(seed: UInt64) {
        var tree = RandomHistory(seed: seed, revisions: 25, arrivals: 10, isLinear: true).tree
        for limit in [7, 4, 1] {
            tree.stem(to: limit)
            let stemmed = tree
            #expect(tree.stem(to: limit).isEmpty && tree.stem(to: limit + 3).isEmpty)
            #expect(tree == stemmed)
        }
    }

    @Test("leaves, and so the winner, survive any stemming", arguments: 0..<40 as Range<UInt64>)
    func leavesSurvive(seed: UInt64) {
        let before = RandomHistory(seed: seed, revisions: 25, arrivals: 10).tree
        var tree = before
        tree.stem(to: 1 + Int(seed) % 5)
        #expect(
            tree.leaves.map { tree.nodes[$0].revision } == before.leaves.map { before.nodes[$0].revision }
        )
    }

    @Test(
        "a peer that sends a stemmed leaf's whole history again achieves nothing",
        arguments: 0..<60 as Range<UInt64>
    )
    func mergeAfterStem(seed: UInt64) {
        let whole = RandomHistory(seed: seed, revisions: 25, arrivals: 10, isLinear: seed % 2 == 0).tree
        let limit = 1 + Int(seed) % 6
        var stemmed = whole
        stemmed.stem(to: limit)
        for leaf in whole.leaves {
            let node = whole.nodes[leaf]
            var tree = stemmed
            tree.merge(
                path: whole.path(from: leaf).map { whole.nodes[$0].revision },
                node.content
            )
            #expect(
                Set(tree.leaves.map { tree.nodes[$0].revision })
                    == Set(whole.leaves.map { whole.nodes[$0].revision })
            )
            tree.stem(to: limit)
            #expect(tree == stemmed)
        }
    }

    @Test("a line merged in pieces or whole is the same once it is stemmed", arguments: 1..<12)
    func lineInPieces(limit: Int) {
        let chain = (1...20).reversed().compactMap { RevisionID("\($0)-r\($0)") }
        let content = RevisionContent(body: 1, bodySize: 1, sequence: 1)
        var whole = RevisionTree()
        var stepwise = RevisionTree()
        for start in stride(from: 19, through: 0, by: -1) {
            whole.merge(path: Array(chain[start...]), content)
            stepwise.merge(path: Array(chain[start...]), content)
            stepwise.stem(to: limit)
        }
        whole.stem(to: limit)
        #expect(stepwise == whole)
        #expect(whole.nodes.count == limit)
    }

    @Test("what a short branch shares stays, though the long one is cut above it")
    func cutInTheMiddle() {
        var tree = tree("2-x 1-a", "5-e 4-d 3-c 2-b 1-a")
        #expect(tree.stem(to: 2).map(\.revision.text) == ["2-b", "3-c"])
        #expect(tree.history("2-x") == ["2-x", "1-a"])
        #expect(tree.history("5-e") == ["5-e", "4-d"])
    }

    @Test("a limit below one is one")
    func limitOfNothing() {
        var tree = tree("3-c 2-b 1-a")
        tree.stem(to: 0)
        #expect(tree.nodes.map(\.revision.text) == ["3-c"])
    }

    @Test("an unrelated branch longer than the limit is cut on arrival")
    func unrelated() {
        var tree = tree("4-e1 3-92 2-c7")
        tree.merge("6-f 5-e 4-d 3-c 2-b", body: 2)
        tree.stem(to: 3)
        #expect(tree.history("6-f") == ["6-f", "5-e", "4-d"])
        #expect(tree.names(tree.conflicts) == ["4-e1"])
        #expect(tree.nodes.count == 6)
    }
}

@Suite("Purging")
struct RevisionTreePurgingTests {
    @Test("leaves go with the ancestors that only they had", arguments: 0..<100 as Range<UInt64>)
    func naive(seed: UInt64) {
        let before = RandomHistory(seed: seed, revisions: 20, arrivals: 9).tree
        var random = SeededGenerator(seed: seed)
        let asked = before.nodes.map(\.revision).filter { _ in Int.random(in: 0..<3, using: &random) == 0 }
        var tree = before
        let (removed, dropped) = tree.removeLeaves(asked.shuffled(using: &random))
        let expected = NaiveTree(before).purged(asked)
        #expect(NaiveTree(tree) == expected)
        #expect(tree.isWellFormed)
        #expect(removed == NaiveTree(before).leaves.intersection(asked).sorted())
        #expect(
            Set(dropped.map(\.revision))
                == Set(before.nodes.map(\.revision)).subtracting(expected.contents.keys)
        )
    }

    @Test("only leaves can be purged, and what is unknown is passed over")
    func notALeaf() {
        var tree = tree("3-c 2-b 1-a", "2-x 1-a")
        let before = tree
        #expect(tree.removeLeaves(revisions("1-a")).removed.isEmpty)
        #expect(tree.removeLeaves(revisions("9-q", "3-z")).removed.isEmpty)
        #expect(tree == before)
        #expect(tree.removeLeaves(revisions("3-c", "2-b")).removed == revisions("3-c"))
        #expect(tree.nodes.map(\.revision.text) == ["1-a", "2-x"])
    }

    @Test("purging every leaf leaves nothing; the leaves are named in ascending order")
    func everything() {
        var tree = tree("3-c 2-b 1-a", "2-x 1-a")
        let (removed, dropped) = tree.removeLeaves(revisions("3-c", "2-x", "9-q"))
        #expect(removed.map(\.text) == ["2-x", "3-c"])
        #expect(dropped.count == 4)
        #expect(tree == RevisionTree())
    }

    @Test("a purged revision can come back")
    func comesBack() {
        var tree = tree("3-c 2-b 1-a", "2-x 1-a")
        _ = tree.removeLeaves(revisions("3-c"))
        #expect(tree.names(tree.leaves) == ["2-x"])
        #expect(tree.merge("3-c 2-b 1-a", body: 3).kind == .newBranch)
        #expect(tree.names(tree.leaves) == ["3-c", "2-x"])
    }
}
