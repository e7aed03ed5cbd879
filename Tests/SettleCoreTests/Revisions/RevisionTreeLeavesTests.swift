import SettleCore
import Testing

@Suite("Leaves and winners")
struct RevisionTreeLeavesTests {
    @Test("leaves and winner are those worked out naively", arguments: 0..<120 as Range<UInt64>)
    func naive(seed: UInt64) {
        let history = RandomHistory(seed: seed, revisions: 2 + Int(seed) / 5, arrivals: 1 + Int(seed) / 6)
        let tree = history.tree
        let naive = NaiveTree(tree)
        let leaves = tree.leaves.map { tree.nodes[$0].revision }
        #expect(leaves == naive.sortedLeaves)
        #expect(tree.winner == tree.leaves.first)
        #expect(tree.isDeleted == naive.leaves.allSatisfy { naive.isDeleted($0) })
        #expect(tree.leavesAscending.map { tree.nodes[$0].revision } == naive.leaves.sorted())
        #expect(tree.leavesInTreeOrder.sorted() == tree.leavesAscending)
        #expect(Set(tree.conflicts + tree.deletedConflicts + [tree.winner ?? -1]) == Set(tree.leaves))
        #expect(tree.nodes.indices.filter { tree.isLeaf($0) } == tree.leavesAscending)
        for index in tree.nodes.indices {
            let revision = tree.nodes[index].revision
            let expected = naive.leaves.filter { naive.path(from: $0).contains(revision) }
            let descendants = tree.leafDescendants(of: revision)
            #expect(Set(descendants.map { tree.nodes[$0].revision }) == expected)
            #expect(descendants == tree.leavesInTreeOrder.filter { descendants.contains($0) })
            #expect(tree.path(from: index).map { tree.nodes[$0].revision } == naive.path(from: revision))
        }
    }

    @Test("no revisions: no winner, nothing deleted")
    func empty() {
        let tree = RevisionTree()
        #expect(tree.isEmpty && tree.winner == nil && !tree.isDeleted)
        #expect(tree.leaves.isEmpty && tree.leavesAscending.isEmpty && tree.leavesInTreeOrder.isEmpty)
    }

    @Test("a living leaf wins over a deleted one of any generation")
    func livingWins() {
        let tree = tree("x 5-e 4-d 3-c 2-b 1-a", "2-x 1-a")
        #expect(tree.names(tree.leaves) == ["2-x", "5-e"])
        #expect(tree.conflicts.isEmpty)
        #expect(tree.names(tree.deletedConflicts) == ["5-e"])
        #expect(!tree.isDeleted)
    }

    @Test("among living leaves the higher generation wins, then the greater digest")
    func order() {
        let tree = tree("2-z 1-a", "3-b 2-y 1-a", "3-c 2-y 1-a", "1-b", "x 4-t 3-b 2-y 1-a")
        #expect(tree.names(tree.leaves) == ["3-c", "2-z", "1-b", "4-t"])
        #expect(tree.names(tree.conflicts) == ["2-z", "1-b"])
        #expect(tree.names(tree.deletedConflicts) == ["4-t"])
    }

    @Test("a document is deleted when all its leaves are; its winner is the greatest of them")
    func allDeleted() {
        let tree = tree("x 1-a", "x 1-b")
        #expect(tree.isDeleted)
        #expect(tree.names(tree.leaves) == ["1-b", "1-a"])
        #expect(tree.names(tree.deletedConflicts) == ["1-a"])
    }

    @Test("shorter digests sort before those they begin")
    func digestOrder() {
        let tree = tree("1-a", "1-ab", "1-b", "1-00000000000000000000000000000000")
        #expect(
            tree.names(tree.leavesAscending) == ["1-00000000000000000000000000000000", "1-a", "1-ab", "1-b"]
        )
    }

    @Test("bulk_get's order walks later roots first, and in a tree the older siblings first")
    func treeOrder() {
        #expect(tree("2-a2 1-a1", "2-b2 1-a1").namedTreeOrder == ["2-a2", "2-b2"])
        #expect(tree("1-x1", "1-x2").namedTreeOrder == ["1-x2", "1-x1"])
        #expect(
            tree("4-d 3-c 2-b 1-a", "2-x 1-a", "3-e 2-b 1-a", "5-q 4-p").namedTreeOrder
                == ["5-q", "4-d", "3-e", "2-x"]
        )
    }

    @Test(
        "latest leads from an ancestor to the leaves above it, from a leaf to itself, from the unknown nowhere"
    )
    func latest() {
        let tree = tree("3-c 2-b 1-a", "2-x 1-a")
        let asked = revisions("1-a", "2-b", "2-x", "9-z").map { tree.names(tree.leafDescendants(of: $0)) }
        #expect(asked == [["3-c", "2-x"], ["3-c"], ["2-x"], []])
    }
}

extension RevisionTree {
    fileprivate var namedTreeOrder: [String] { names(leavesInTreeOrder) }
}
