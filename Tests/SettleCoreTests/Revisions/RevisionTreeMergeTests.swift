import SettleCore
import SettleTestSupport
import Testing

@Suite("Merging revisions")
struct RevisionTreeMergeTests {
    @Test(
        "any order of arrival gives the same tree, the one worked out naively",
        arguments: 0..<150 as Range<UInt64>
    )
    func order(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 3 + Int(seed) / 6, arrivals: 1 + Int(seed) / 8)
        var random = SeededGenerator(seed: seed &+ 1)
        let first = history.tree
        #expect(first.isWellFormed)
        #expect(NaiveTree(first) == RandomHistory.reference(history.arrivals))
        for _ in 0..<6 {
            #expect(RandomHistory.tree(history.arrivals.shuffled(using: &random)) == first)
        }
    }

    @Test("what arrives again changes nothing and says so", arguments: 0..<60 as Range<UInt64>)
    func idempotence(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 20, arrivals: 12)
        let before = history.tree
        var tree = before
        for arrival in history.arrivals {
            let outcome = tree.merge(path: arrival.path, arrival.content)
            #expect(outcome.kind == .known)
            #expect(!outcome.hasChanged && !outcome.tookContent && outcome.replacedBody == 0)
        }
        #expect(tree == before)
    }

    @Test("the outcome tells whether the tree changed", arguments: 0..<60 as Range<UInt64>)
    func outcomes(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 20, arrivals: 14)
        var tree = RevisionTree()
        for arrival in history.arrivals {
            let before = tree
            let outcome = tree.merge(path: arrival.path, arrival.content)
            #expect(outcome.hasChanged == (tree != before))
            #expect(outcome.kind != .known || before.contains(arrival.path[0]))
            // A known revision of another kind than `known` was joined to an older piece.
            let isNews = before.body(arrival.path[0].text) ?? 0 == 0
            #expect(outcome.tookContent == (isNews || outcome.kind != .known))
        }
    }

    @Test("merging groups of arrivals is associative", arguments: 0..<40 as Range<UInt64>)
    func associativity(seed: UInt64) {
        // A tree that is merged into another is told revision by revision, as replication does it.
        func told(_ tree: RevisionTree) -> [Arrival] {
            tree.nodes.indices.filter { tree.nodes[$0].body != 0 }.map { index in
                let node = tree.nodes[index]
                return Arrival(
                    path: tree.path(from: index).map { tree.nodes[$0].revision },
                    content: node.content
                )
            }
        }
        let arrivals = RandomHistory(seed: seed, revisions: 24, arrivals: 18).arrivals
        let parts = [arrivals[..<6], arrivals[6..<12], arrivals[12...]].map { RandomHistory.tree(Array($0)) }
        let leftFirst = RandomHistory.tree(
            told(RandomHistory.tree(told(parts[0]) + told(parts[1]))) + told(parts[2])
        )
        let rightFirst = RandomHistory.tree(
            told(parts[0]) + told(RandomHistory.tree(told(parts[1]) + told(parts[2])))
        )
        #expect(leftFirst == rightFirst)
        #expect(leftFirst == RandomHistory.tree(arrivals))
    }

    @Test("the first revision and one that extends a leaf are new leaves; others are branches")
    func kinds() {
        var tree = RevisionTree()
        #expect(tree.merge("1-a", body: 1).kind == .newLeaf)
        #expect(tree.merge("2-b 1-a", body: 2).kind == .newLeaf)
        #expect(tree.merge("2-c 1-a", body: 3).kind == .newBranch)
        #expect(tree.merge("4-e 3-d 2-c 1-a", body: 4).kind == .newLeaf)
        #expect(tree.merge("1-z", body: 5).kind == .newBranch)
        #expect(tree.merge("2-b 1-a", body: 6).kind == .known)
    }

    @Test("a revision keeps the body it came with first")
    func firstBodyStays() {
        var tree = tree("2-b 1-a")
        let outcome = tree.merge("2-b 1-a", body: 7)
        #expect(tree.body("2-b") == 1)
        #expect(!outcome.hasChanged && !outcome.tookContent)
    }

    @Test("a missing ancestor takes the body that arrives, though it isn't a leaf")
    func missingBody() {
        var tree = tree("2-b 1-a")
        #expect(tree.body("1-a") == 0)
        let outcome = tree.merge("x 1-a", body: 2)
        #expect(outcome.kind == .known)
        #expect(outcome.hasChanged && outcome.tookContent && outcome.replacedBody == 0)
        #expect(tree.body("1-a") == 2)
        #expect(tree.nodes[0].isDeleted)
        #expect(!tree.isDeleted)
    }

    @Test("a longer path gives a known revision ancestors without touching its body")
    func growsDownwards() {
        var tree = tree("3-c")
        let outcome = tree.merge("3-c 2-b 1-a", body: 2)
        #expect(outcome.kind == .known)
        #expect(outcome.hasChanged && !outcome.tookContent)
        #expect(tree.history("3-c") == ["3-c", "2-b", "1-a"])
        #expect(tree.body("3-c") == 1)
    }

    @Test("an older revision that reaches further down carries the whole piece with it")
    func growsDownwardsFromTheMiddle() {
        var tree = tree("2-z 1-r", "3-y 2-x")
        #expect(tree.history("3-y") == ["3-y", "2-x"])
        tree.merge("2-x 1-r", body: 3)
        #expect(tree.history("3-y") == ["3-y", "2-x", "1-r"])
        #expect(tree.body("2-x") == 3)
        #expect(tree.body("1-r") == 0)
        #expect(tree.names(tree.leavesAscending) == ["2-z", "3-y"])
    }

    @Test("a path that joins a piece to an older one replaces the body it brings, as in CouchDB")
    func joining() {
        var tree = tree("2-bbb 1-aaa", "3-ccc")
        #expect(tree.names(tree.conflicts) == ["2-bbb"])
        let outcome = tree.merge("3-ccc 2-bbb 1-aaa", body: 9)
        #expect(outcome.kind == .newLeaf)
        #expect(outcome.hasChanged && outcome.tookContent && outcome.replacedBody == 2)
        #expect(tree.body("3-ccc") == 9)
        #expect(tree.history("3-ccc") == ["3-ccc", "2-bbb", "1-aaa"])
        #expect(tree.conflicts.isEmpty)
    }

    @Test("a joining path may add revisions above, between and below")
    func joiningInTheMiddle() {
        var tree = tree("2-b", "4-d", "6-f")
        tree.merge("7-g 6-f 5-e 4-d 3-c 2-b 1-a", body: 4)
        #expect(tree.history("7-g") == ["7-g", "6-f", "5-e", "4-d", "3-c", "2-b", "1-a"])
        #expect([1, 0, 2, 0, 3, 4] == ["2-b", "3-c", "4-d", "5-e", "6-f", "7-g"].map { tree.body($0) })
        #expect(tree.leaves.count == 1)
    }

    @Test("the same digest in two generations is two revisions")
    func sameDigest() {
        let tree = tree("1-aa", "2-bb 1-aa", "2-cc 1-aa", "3-aa 2-bb 1-aa")
        #expect(tree.names(tree.leaves) == ["3-aa", "2-cc"])
        #expect(tree.history("3-aa") == ["3-aa", "2-bb", "1-aa"])
    }

    @Test("a path that contradicts the known descent is read up to the contradiction")
    func contradiction() {
        var tree = tree("3-c 2-b 1-a")
        let outcome = tree.merge("4-d 3-c 2-other 1-a", body: 2)
        #expect(outcome.kind == .newLeaf)
        #expect(tree.history("4-d") == ["4-d", "3-c", "2-b", "1-a"])
        #expect(!tree.contains(revisions("2-other")[0]))
    }

    @Test(
        "a path is read as far as its generations fall by one",
        arguments: ["3-c 1-a", "3-c 3-b", "3-c 4-b", "0-c 0-b"]
    )
    func brokenPath(path: String) {
        let tree = tree(path)
        #expect(tree.nodes.count == 1)
        #expect(tree.nodes[0].revision.text == path.prefix(3))
    }

    @Test("an empty path is nothing")
    func emptyPath() {
        var tree = tree("1-a")
        #expect(!tree.merge("", body: 2).hasChanged)
        #expect(tree.nodes.count == 1)
    }

    @Test("a chain of thousands and a thousand branches are merged as they are")
    func large() {
        let chain = (1...4000).reversed().compactMap { RevisionID("\($0)-abc") }
        let content = RevisionContent(body: 1, bodySize: 1, sequence: 1)
        var tree = RevisionTree()
        for start in stride(from: 3999, through: 0, by: -250) {
            tree.merge(path: Array(chain[start...]), content)
        }
        tree.merge(path: chain, content)
        #expect(tree.nodes.count == 4000)
        #expect(tree.leaves == [3999])
        #expect(tree.leavesInTreeOrder == [3999])
        for branch in 0..<1000 {
            tree.merge("2001-b\(branch) 2000-abc", body: 2)
        }
        #expect(tree.leaves.count == 1001)
        #expect(tree.isWellFormed)
    }
}

@Suite("Extending a tree")
struct RevisionTreeExtendTests {
    private func content(isDeleted: Bool = false, body: UInt64 = 50) -> RevisionContent {
        RevisionContent(isDeleted: isDeleted, body: body, bodySize: 3, sequence: 4)
    }

    @Test("an edit continues the leaf it names")
    func edit() {
        var tree = RevisionTree()
        #expect(tree.extend(nil, with: revisions("1-a")[0], content()) == 0)
        #expect(tree.extend(0, with: revisions("2-b")[0], content(body: 51)) == 1)
        #expect(tree.history("2-b") == ["2-b", "1-a"])
        #expect(tree.nodes.map(\.body) == [50, 51])
        #expect(tree.nodes.map(\.sequence) == [4, 4])
    }

    @Test("an edit of anything but a leaf is a conflict and changes nothing")
    func conflict() {
        let before = tree("2-b 1-a", "2-c 1-a")
        var tree = before
        #expect(tree.extend(nil, with: revisions("1-x")[0], content()) == nil)
        #expect(tree.extend(0, with: revisions("2-x")[0], content()) == nil)
        #expect(tree.extend(1, with: revisions("4-x")[0], content()) == nil)
        #expect(tree == before)
    }

    @Test("an edit of a losing leaf continues its branch")
    func losingLeaf() {
        var tree = tree("2-b 1-a", "2-c 1-a")
        #expect(tree.extend(1, with: revisions("3-z")[0], content(isDeleted: true)) == 3)
        #expect(tree.names(tree.leaves) == ["2-c", "3-z"])
        #expect(tree.history("3-z") == ["3-z", "2-b", "1-a"])
    }

    @Test("deleting and re-creating grows one line")
    func recreation() {
        var tree = tree("x 2-b 1-a")
        #expect(tree.isDeleted)
        #expect(tree.winner.flatMap { tree.extend($0, with: revisions("3-c")[0], content()) } == 2)
        #expect(!tree.isDeleted)
        #expect(tree.history("3-c") == ["3-c", "2-b", "1-a"])
    }

    @Test("an edit that a peer has sent already without its ancestors is joined to its parent")
    func joined() {
        var tree = tree("2-b 1-a", "3-c")
        #expect(tree.extend(1, with: revisions("3-c")[0], content()) == 2)
        #expect(tree.history("3-c") == ["3-c", "2-b", "1-a"])
        #expect(tree.body("3-c") == 50)
    }

    @Test("extending is merging: both give the same tree", arguments: 0..<20 as Range<UInt64>)
    func extendIsMerge(seed: UInt64) {
        var tree = RandomHistory(seed: seed, revisions: 15, arrivals: 8).tree
        var merged = tree
        for (count, leaf) in tree.leavesAscending.reversed().enumerated() {
            let parent = tree.nodes[leaf].revision
            let edit = revisions("\(parent.generation + 1)-edit\(count)")[0]
            merged.merge(path: [edit, parent], content())
            let current = tree.index(of: parent)
            #expect(current.flatMap { tree.extend($0, with: edit, content()) } != nil)
        }
        #expect(tree == merged)
    }
}
