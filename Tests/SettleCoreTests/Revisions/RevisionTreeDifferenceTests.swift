import SettleCore
import SettleTestSupport
import Testing

@Suite("What a peer should send")
struct RevisionTreeDifferenceTests {
    private func missing(_ tree: RevisionTree, _ texts: String...) -> [String] {
        tree.missing(from: texts.compactMap { RevisionID($0) }).map(\.text)
    }

    private func ancestors(_ tree: RevisionTree, _ texts: String...) -> [String] {
        tree.possibleAncestors(of: texts.compactMap { RevisionID($0) }).map(\.text)
    }

    @Test("what is known, if only by name, isn't missing")
    func known() {
        let tree = tree("3-c 2-b 1-a", "2-x 1-a")
        #expect(missing(tree, "3-c", "2-b", "1-a") == [])
        #expect(missing(tree, "4-d", "3-c") == ["4-d"])
        #expect(missing(tree) == [])
        #expect(missing(RevisionTree(), "2-y", "1-z") == ["2-y", "1-z"])
    }

    @Test("stemmed ancestors are missing again")
    func stemmed() {
        var tree = tree("4-d 3-c 2-b 1-a")
        tree.stem(to: 3)
        #expect(missing(tree, "1-a", "2-b", "4-d", "5-x") == ["1-a", "5-x"])
    }

    @Test("names of lower generations come first, as far as the tree reaches")
    func order() {
        let tree = tree("3-c 2-b 1-a")
        #expect(
            missing(tree, "9-z", "3-y", "2-y", "7-x", "1-y", "0-y") == [
                "0-y", "1-y", "2-y", "9-z", "3-y", "7-x",
            ]
        )
    }

    @Test("asking twice for the unknown answers twice; the known, asked twice, is missing once")
    func twice() {
        let tree = tree("3-c 2-b 1-a", "2-x 1-a")
        #expect(missing(tree, "4-d", "4-d") == ["4-d", "4-d"])
        #expect(missing(tree, "3-c", "3-c") == ["3-c"])
    }

    @Test("possible ancestors are all leaves below the highest missing generation, winner first")
    func possibleAncestors() {
        let tree = tree("3-c 2-b 1-a", "2-x 1-a", "x 4-t 3-s")
        #expect(ancestors(tree, "5-d") == ["3-c", "2-x", "4-t"])
        #expect(ancestors(tree, "1-y", "4-d") == ["3-c", "2-x"])
        #expect(ancestors(tree, "3-other") == ["2-x"])
        #expect(ancestors(tree, "1-other") == [])
        #expect(ancestors(tree) == [])
    }

    @Test("the order is the one CouchDB's sieve leaves", arguments: 0..<80 as Range<UInt64>)
    func sieve(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 14, arrivals: 7)
        let tree = history.tree
        var random = SeededGenerator(seed: seed)
        let asked = (0..<12).map { _ in
            Bool.random(using: &random)
                ? RevisionID(
                    UInt64.random(in: 0...12, using: &random),
                    RevisionDigest(high: 5, low: random.next())
                )
                : history.all[Int.random(in: 0..<history.all.count, using: &random)].revision
        }
        var expected = asked
        for root in tree.nodes.indices where tree.nodes[root].parent < 0 {
            expected = Self.sieve(tree, [root], expected)
        }
        #expect(tree.missing(from: asked) == expected)
    }

    /// Takes the known out, level by level; at each level what is too low to be found there goes to the front.
    private static func sieve(_ tree: RevisionTree, _ siblings: [Int], _ names: [RevisionID]) -> [RevisionID]
    {
        guard let node = siblings.first, !names.isEmpty else { return names }
        let low = names.filter { $0.generation < tree.nodes[node].generation }
        var high = names.filter { $0.generation >= tree.nodes[node].generation }
        if let place = high.firstIndex(of: tree.nodes[node].revision) { high.remove(at: place) }
        let children = tree.nodes.indices.filter { tree.nodes[$0].parent == node }
        return low + sieve(tree, Array(siblings.dropFirst()), sieve(tree, children, high))
    }
}
