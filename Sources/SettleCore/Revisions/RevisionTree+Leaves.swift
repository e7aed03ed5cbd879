// Which revisions are current: the leaves, the winner among them, and the orders CouchDB lists them in.
//
// The winner is decided alike on every replica: a living leaf before a deleted one, then the higher generation, then the
// greater digest. A document is deleted when all its leaves are.
//
// The subtle thing is that CouchDB has three orders for the same leaves:
//
//     winner first, best to worst      _conflicts, _deleted_conflicts, _changes?style=all_docs, possible_ancestors
//     ascending                        open_revs=all
//     as the forest is walked          _bulk_get without a revision: later roots first, in each tree older siblings first

extension RevisionTree {
    /// The leaves, the winner first, then by falling claim to winning.
    package var leaves: [Int] {
        var leaves = leavesAscending
        if leaves.count > 1 {
            leaves.sort { precedes($0, $1) }
        }
        return leaves
    }

    /// The leaves by generation, then digest, ascending, deleted ones too: the order of `open_revs=all`.
    package var leavesAscending: [Int] {
        if nodes.count <= 1 { return Array(nodes.indices) }
        let hasChildren = hasChildren
        return nodes.indices.filter { !hasChildren[$0] }
    }

    /// The leaves in the order in which CouchDB walks its forest: the order of `_bulk_get`.
    package var leavesInTreeOrder: [Int] {
        let links = FamilyLinks(self)
        var leaves: [Int] = []
        for root in nodes.indices.reversed() where nodes[root].parent < 0 {
            links.appendLeaves(above: root, to: &leaves)
        }
        return leaves
    }

    /// The leaf that the document shows; nil if there is no revision.
    package var winner: Int? {
        // The last node is always a leaf: a child's generation would be higher still.
        guard let last = nodes.last else { return nil }
        if !last.isDeleted || nodes.count == 1 { return nodes.count - 1 }
        let hasChildren = hasChildren
        return nodes.indices.reversed().first { !hasChildren[$0] && !nodes[$0].isDeleted } ?? nodes.count - 1
    }

    /// Whether every leaf is a tombstone; false if there is no revision.
    package var isDeleted: Bool {
        winner.map { nodes[$0].isDeleted } ?? false
    }

    /// The living leaves besides the winner, as `_conflicts` lists them.
    package var conflicts: [Int] {
        leaves.dropFirst().filter { !nodes[$0].isDeleted }
    }

    /// The deleted leaves besides the winner, as `_deleted_conflicts` lists them.
    package var deletedConflicts: [Int] {
        leaves.dropFirst().filter { nodes[$0].isDeleted }
    }

    /// The leaves that descend from a revision, or it itself if it is one, in tree order; none if it is unknown.
    ///
    /// This is what `latest=true` asks for. Sorted, the indices are in `open_revs` order.
    package func leafDescendants(of revision: RevisionID) -> [Int] {
        guard let index = index(of: revision) else { return [] }
        if isLeaf(index) { return [index] }
        var leaves: [Int] = []
        FamilyLinks(self).appendLeaves(above: index, to: &leaves)
        return leaves
    }

    /// For each node, whether some other was made from it.
    var hasChildren: [Bool] {
        var result = [Bool](repeating: false, count: nodes.count)
        for node in nodes where node.parent >= 0 {
            result[node.parent] = true
        }
        return result
    }

    /// Whether a leaf has the better claim to winning.
    private func precedes(_ left: Int, _ right: Int) -> Bool {
        if nodes[left].isDeleted != nodes[right].isDeleted { return nodes[right].isDeleted }
        // In canonical order the later index is the greater revision.
        return left > right
    }
}

/// First child and next sibling of every node: what it takes to walk a tree upwards.
private struct FamilyLinks {
    private var firstChild: [Int]
    private var nextSibling: [Int]

    init(_ tree: RevisionTree) {
        firstChild = [Int](repeating: -1, count: tree.nodes.count)
        nextSibling = firstChild
        for index in tree.nodes.indices.reversed() {
            let parent = tree.nodes[index].parent
            guard parent >= 0 else { continue }
            nextSibling[index] = firstChild[parent]
            firstChild[parent] = index
        }
    }

    /// Appends the leaves above a node, or the node if it is one; without recursion, as a line may be long.
    func appendLeaves(above start: Int, to leaves: inout [Int]) {
        var pending = [start]
        while var index = pending.popLast() {
            while firstChild[index] >= 0 {
                // The sibling waits until everything above its elder is done.
                if index != start, nextSibling[index] >= 0 { pending.append(nextSibling[index]) }
                index = firstChild[index]
            }
            leaves.append(index)
            if index != start, nextSibling[index] >= 0 { pending.append(nextSibling[index]) }
        }
    }
}
