// The history of one document: which revision was made from which.
//
// Edits made in one place form a line. Edits made in two places, brought together by replication, form a tree:
//
//     1-a ── 2-b ── 3-c        3-c and 2-x are leaves. The document shows one of them, the *winner*; the other is
//       └─── 2-x               a conflict that someone may resolve by deleting it.
//
// Replicas agree without talking: whatever order revisions arrive in, the tree is the same, and so is the winner.
//
// It is really a forest. A history is cut (*stemmed*) to the newest thousand revisions of each branch, and a peer may
// send a revision with few or none of its ancestors; either leaves pieces that hang on nothing. A later, longer path
// joins them again.
//
// The nodes stand in canonical order, by generation and then by digest. So equal histories are equal values, parents
// come before their children, a look-up is a binary search, and the last node is always a leaf.
//
// The subtle thing: a revision's name is a digest over its parent's, so a revision has one parent, and the tree is keyed
// by revision alone. A peer that contradicts what is known about an ancestor is believed up to the contradiction and no
// further: the parent that was learned first stays.

/// A document's revisions and their descent; a value, without any I/O.
package struct RevisionTree: Hashable, Sendable {
    /// The revisions by generation, then digest, ascending; parents stand before their children.
    package internal(set) var nodes: [RevisionNode]
    /// How many older ancestors of the first node are kept elsewhere; see `detachTrunk(keeping:)`.
    package internal(set) var trunkLength: Int

    /// A tree of no revisions.
    package init() {
        nodes = []
        trunkLength = 0
    }

    /// One line of revisions, oldest first, each the child of the one before; throws if the generations don't ascend by one.
    package init(line: [RevisionNode]) throws(SettleError) {
        nodes = line
        trunkLength = 0
        for index in nodes.indices {
            if index > 0, !nodes[index].revision.isOneAbove(nodes[index - 1].revision) {
                throw .damagedRevisionTree
            }
            nodes[index].parent = index - 1
        }
    }

    /// Whether there is no revision at all.
    package var isEmpty: Bool { nodes.isEmpty }
}

extension RevisionTree {
    /// Where a revision stands among the nodes; nil if it is unknown.
    package func index(of revision: RevisionID) -> Int? {
        guard let last = nodes.last else { return nil }
        // Most questions are about the newest revision.
        if last.revision == revision { return nodes.count - 1 }
        let index = firstIndex { $0.revision < revision }
        return index < nodes.count && nodes[index].revision == revision ? index : nil
    }

    /// Whether a revision is known, if only by name.
    package func contains(_ revision: RevisionID) -> Bool {
        index(of: revision) != nil
    }

    /// The way from a node down to its root, newest first, the node itself included.
    package func path(from index: Int) -> [Int] {
        var path: [Int] = []
        var next = index
        while next >= 0 {
            path.append(next)
            next = nodes[next].parent
        }
        return path
    }

    /// Whether no known revision was made from this one.
    package func isLeaf(_ index: Int) -> Bool {
        // Stored bytes may hold any generation; the highest has no children.
        let childGeneration = nodes[index].generation &+ 1
        for other in nodes[(index + 1)...] {
            if other.parent == index { return false }
            if other.generation > childGeneration { break }
        }
        return true
    }

    /// The first index for which `isBefore` is false, by bisection.
    func firstIndex(where isBefore: (RevisionNode) -> Bool) -> Int {
        var (low, high) = (0, nodes.count)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(nodes[middle]) {
                low = middle + 1
            } else {
                high = middle
            }
        }
        return low
    }

    /// Keeps some of the nodes and returns the others, oldest first; a node whose parent goes becomes a root.
    mutating func keepOnly(_ isKept: [Bool]) -> [RevisionNode] {
        var removed: [RevisionNode] = []
        var kept: [RevisionNode] = []
        kept.reserveCapacity(nodes.count)
        var places = [Int](repeating: -1, count: nodes.count)
        for (index, var node) in nodes.enumerated() {
            guard isKept[index] else {
                removed.append(node)
                continue
            }
            places[index] = kept.count
            node.parent = node.parent < 0 ? -1 : places[node.parent]
            kept.append(node)
        }
        nodes = kept
        return removed
    }
}

extension RevisionID {
    /// Whether this revision's generation is the one after another's.
    func isOneAbove(_ other: RevisionID) -> Bool {
        generation > 0 && generation - 1 == other.generation
    }
}

extension SettleError {
    /// Stored bytes that no tree is written as.
    static let damagedRevisionTree = SettleError(.internalError, "A stored revision tree is damaged.")
}
