// Keeping a long history apart from the part that changes.
//
// A document edited a thousand times has a thousand ancestors, and an edit concerns only the newest. So the oldest part
// of a tree, a line without forks, can be cut off and stored elsewhere; what remains is a tree like any other that knows
// how many revisions it stands on.
//
//     1-a ── 2-b ── 3-c ── 4-d ── 5-e      detachTrunk(keeping: 2)      trunk 1-a 2-b 3-c
//                            └─── 5-x                                   4-d ── 5-e , 5-x     with trunkLength 3
//
// Cutting again adds to the top of the trunk, and attaching takes from its top, so a store can keep a trunk as chunks and
// append to the last one.
//
// The subtle thing: which questions a head can answer alone. All about leaves; a merge unless its path might lead into
// the trunk without passing the head's root, or reaches below the trunk's end; and never whether an old revision is known.
// Everything else that could touch the trunk says so in `needsTrunk`. The head's root is its first node, always: a piece
// that hangs on nothing may only be added to a head if it begins above the root.

extension RevisionTree {
    /// Cuts off the oldest revisions up to the one below the lowest fork, so that `recent` (at least 1) of the winner's
    /// line remain, and returns them oldest first; none if the tree hasn't exactly one root.
    package mutating func detachTrunk(keeping recent: Int) -> [RevisionNode] {
        guard let winner, nodes.dropFirst().allSatisfy({ $0.parent >= 0 }) else { return [] }
        var length = path(from: winner).count - max(recent, 1)
        guard length > 0 else { return [] }
        // With one root, the nodes before the lowest fork are the first of the order, each the next one's parent.
        var childCounts = [Int](repeating: 0, count: length)
        for node in nodes where node.parent >= 0 && node.parent < length {
            childCounts[node.parent] += 1
        }
        length = childCounts.firstIndex { $0 != 1 } ?? length
        guard length > 0 else { return [] }
        let trunk = Array(nodes[..<length])
        nodes.removeFirst(length)
        for index in nodes.indices {
            nodes[index].parent = max(-1, nodes[index].parent - length)
        }
        trunkLength += length
        return trunk
    }

    /// Puts the newest part of a detached trunk, oldest first, below the first node again; throws if it doesn't fit there.
    package mutating func attachTrunk(_ trunk: [RevisionNode]) throws(SettleError) {
        guard !trunk.isEmpty else { return }
        guard trunk.count <= trunkLength, let root = nodes.first, let top = trunk.last,
            root.revision.isOneAbove(top.revision)
        else { throw .damagedRevisionTree }
        var whole = try RevisionTree(line: trunk).nodes
        whole.reserveCapacity(trunk.count + nodes.count)
        for (index, var node) in nodes.enumerated() {
            if index == 0 {
                node.parent = trunk.count - 1
            } else if node.parent >= 0 {
                node.parent += trunk.count
            }
            whole.append(node)
        }
        nodes = whole
        trunkLength -= trunk.count
    }

    /// The generations of the detached trunk, from the oldest to the newest; nil if there is none.
    package var trunkGenerations: ClosedRange<UInt64>? {
        guard trunkLength > 0, let root = nodes.first?.generation else { return nil }
        return root - min(root, UInt64(trunkLength))...root - min(root, 1)
    }

    /// Whether merging this path is only right on the whole tree, with the trunk attached.
    package func needsTrunk(path: [RevisionID]) -> Bool {
        guard let trunk = trunkGenerations, let oldest = path.last else { return false }
        let places = locate(path)
        guard let end = places.last else { return false }
        // The path passes the root: the trunk holds the rest of it, unless the path is the longer of the two.
        if end == 0 { return oldest.generation < trunk.lowerBound }
        // The path ends, or stops being believed, inside the head; or it begins a piece clearly above the root.
        return end < 0 && path[places.count - 1].generation <= trunk.upperBound + 1
    }

    /// Whether one of these revisions might be in the trunk, so that only the whole tree knows if it is known.
    package func needsTrunk(revisions: [RevisionID]) -> Bool {
        guard let trunk = trunkGenerations else { return false }
        return revisions.contains { trunk.contains($0.generation) }
    }
}
