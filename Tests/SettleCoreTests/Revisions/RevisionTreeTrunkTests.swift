import SettleCore
import SettleTestSupport
import Testing

@Suite("Trunks")
struct RevisionTreeTrunkTests {
    /// A tree with one root and few forks, and its history.
    private func history(_ seed: UInt64) -> (history: RandomHistory, tree: RevisionTree) {
        let history = RandomHistory(seed: seed, revisions: 30, arrivals: 0, isLinear: true)
        var tree = RevisionTree()
        for index in stride(from: 0, to: history.all.count, by: 3) {
            let arrival = history.arrival(of: index, ancestors: 30)
            tree.merge(path: arrival.path, arrival.content)
        }
        return (history, tree)
    }

    private func node(_ text: String) -> RevisionNode {
        RevisionNode(revisions(text)[0], RevisionContent(body: 9))
    }

    @Test(
        "what is cut off and put back is the same tree, in one part or several",
        arguments: 0..<80 as Range<UInt64>
    )
    func roundTrip(seed: UInt64) throws {
        let whole = history(seed).tree
        let line = whole.winner.map { whole.path(from: $0).count } ?? 0
        for recent in [1, 2, 5, 12, 29, 40] {
            var head = whole
            let trunk = head.detachTrunk(keeping: recent)
            #expect(head.trunkLength == trunk.count)
            #expect(head.nodes.count + trunk.count == whole.nodes.count)
            #expect(head.isWellFormed)
            #expect(head.nodes[0].parent == -1)
            #expect(trunk.map(\.parent) == trunk.indices.map { $0 - 1 })
            #expect(trunk.isEmpty || line - trunk.count >= recent)
            #expect(head.names(head.leaves) == whole.names(whole.leaves))
            #expect(head.trunkGenerations?.lowerBound == trunk.first?.generation)
            #expect(head.trunkGenerations?.upperBound == trunk.last?.generation)

            var twice = head
            let middle = trunk.count / 2
            try twice.attachTrunk(Array(trunk[middle...]))
            #expect(twice.trunkLength == middle)
            try twice.attachTrunk(Array(trunk[..<middle]))
            try head.attachTrunk(trunk)
            #expect(head == whole)
            #expect(twice == whole)
        }
    }

    @Test("cutting again adds to the top of the trunk", arguments: 0..<20 as Range<UInt64>)
    func cuttingTwice(seed: UInt64) {
        let whole = history(seed).tree
        var once = whole
        var twice = whole
        let all = once.detachTrunk(keeping: 3)
        let first = twice.detachTrunk(keeping: 14)
        let second = twice.detachTrunk(keeping: 3)
        #expect((first + second).map(\.revision) == all.map(\.revision))
        #expect(twice == once)
    }

    @Test("the cut stays below the lowest fork, and leaves as much of the winner's line as asked")
    func limits() {
        var line = tree("5-e 4-d 3-c 2-b 1-a")
        #expect(line.detachTrunk(keeping: 2).map(\.revision.text) == ["1-a", "2-b", "3-c"])
        var forked = tree("5-e 4-d 3-c 2-b 1-a", "4-x 3-c 2-b 1-a")
        #expect(forked.detachTrunk(keeping: 1).map(\.revision.text) == ["1-a", "2-b"])
        #expect(forked.nodes.map(\.revision.text) == ["3-c", "4-d", "4-x", "5-e"])
        var shortWinner = tree("x 5-e 4-d 3-c 2-b 1-a", "3-w 2-b 1-a")
        #expect(shortWinner.detachTrunk(keeping: 3) == [])
        var twoRoots = tree("5-e 4-d 3-c 2-b 1-a", "7-x")
        #expect(twoRoots.detachTrunk(keeping: 1) == [])
        var empty = RevisionTree()
        #expect(empty.detachTrunk(keeping: 1) == [])
    }

    @Test("only the part that was on top is put back")
    func misfits() {
        var head = tree("5-e 4-d 3-c 2-b 1-a")
        let trunk = head.detachTrunk(keeping: 2)
        let before = head
        for wrong in [Array(trunk.dropLast()), [node("2-b"), node("2-c")], [node("0-z")] + trunk] {
            #expect(throws: SettleError.self) { try head.attachTrunk(wrong) }
        }
        #expect(head == before)
        var whole = tree("2-b")
        #expect(throws: SettleError.self) { try whole.attachTrunk([node("1-a")]) }
    }

    @Test("a merge that needs no trunk is the merge on the whole tree", arguments: 0..<200 as Range<UInt64>)
    func merging(seed: UInt64) throws {
        let (history, whole) = history(seed)
        var random = SeededGenerator(seed: seed)
        var answered = 0
        for _ in 0..<40 {
            var head = whole
            let trunk = head.detachTrunk(keeping: Int.random(in: 1...20, using: &random))
            let known = history.all.indices.randomElement(using: &random) ?? 0
            var arrival = history.arrival(of: known, ancestors: Int.random(in: 1...30, using: &random))
            // Some revisions nobody has heard of on top, beneath, or alone.
            if let newest = arrival.path.first, Bool.random(using: &random) {
                arrival.path.insert(
                    RevisionID(newest.generation + 1, RevisionDigest(high: 1, low: random.next())),
                    at: 0
                )
            }
            if let oldest = arrival.path.last, oldest.generation > 1,
                Int.random(in: 0..<3, using: &random) == 0
            {
                arrival.path.append(
                    RevisionID(oldest.generation - 1, RevisionDigest(high: 2, low: random.next()))
                )
            }
            if Int.random(in: 0..<4, using: &random) == 0 {
                let generation = UInt64.random(in: 2...30, using: &random)
                arrival.path = [generation, generation - 1].map {
                    RevisionID($0, RevisionDigest(high: 3, low: random.next()))
                }
            }
            guard !head.needsTrunk(path: arrival.path) else { continue }
            answered += 1
            var expected = whole
            let outcome = expected.merge(path: arrival.path, arrival.content)
            #expect(head.merge(path: arrival.path, arrival.content) == outcome)
            try head.attachTrunk(trunk)
            #expect(head == expected)
        }
        #expect(answered > 0)
    }

    @Test("an edit with its whole history needs no trunk; what may lead into it does")
    func needs() {
        var head = tree("6-f 5-e 4-d 3-c 2-b")
        _ = head.detachTrunk(keeping: 2)
        let needy = [
            "4-d", "5-x 4-d", "5-x", "4-x 3-x", "6-f 5-e 4-d 3-c 2-b 1-a", "7-g 6-f 5-e 4-d 3-c 2-b 1-a",
        ]
        for path in needy {
            #expect(
                head.needsTrunk(path: path.split(separator: " ").compactMap { RevisionID(String($0)) }),
                "\(path)"
            )
        }
        let free = [
            "7-g 6-f 5-e 4-d 3-c 2-b", "7-g 6-f", "6-x 5-e", "6-x", "9-z 8-z", "6-f 5-e 4-d", "6-f 5-other",
        ]
        for path in free {
            #expect(
                !head.needsTrunk(path: path.split(separator: " ").compactMap { RevisionID(String($0)) }),
                "\(path)"
            )
        }
        #expect(!tree("6-f 5-e").needsTrunk(path: revisions("1-a")))
    }

    @Test(
        "which revisions are missing is the same with and without a trunk",
        arguments: 0..<60 as Range<UInt64>
    )
    func missing(seed: UInt64) {
        let (history, whole) = history(seed)
        var head = whole
        _ = head.detachTrunk(keeping: 1 + Int(seed) % 12)
        var random = SeededGenerator(seed: seed)
        let asked = (0..<10).map { _ in
            Bool.random(using: &random)
                ? history.all[Int.random(in: 0..<30, using: &random)].revision
                : RevisionID(
                    UInt64.random(in: 0...40, using: &random),
                    RevisionDigest(high: 4, low: random.next())
                )
        }
        let answerable = asked.filter { !head.needsTrunk(revisions: [$0]) }
        #expect(head.missing(from: answerable) == whole.missing(from: answerable))
        #expect(head.needsTrunk(revisions: asked) == (answerable.count < asked.count))
    }

    @Test("stemming a head says how much of the trunk stays", arguments: 0..<80 as Range<UInt64>)
    func stemming(seed: UInt64) throws {
        let whole = history(seed).tree
        for limit in [1, 2, 4, 8, 16, 29, 31] {
            var head = whole
            let trunk = head.detachTrunk(keeping: 1 + Int(seed) % 10)
            var expected = whole
            expected.stem(to: limit)
            head.stem(to: limit)
            try head.attachTrunk(trunk.suffix(head.trunkLength))
            #expect(head == expected)
        }
    }

    @Test(
        "purging from a head keeps the trunk as long as something stands on it",
        arguments: 0..<60 as Range<UInt64>
    )
    func purging(seed: UInt64) throws {
        let whole = history(seed).tree
        var random = SeededGenerator(seed: seed)
        let asked = whole.leaves.map { whole.nodes[$0].revision }.filter { _ in Bool.random(using: &random) }
        var head = whole
        let trunk = head.detachTrunk(keeping: 2)
        var expected = whole
        let removed = expected.removeLeaves(asked).removed
        #expect(head.removeLeaves(asked).removed == removed)
        try head.attachTrunk(trunk.suffix(head.trunkLength))
        #expect(head == expected)
    }
}
