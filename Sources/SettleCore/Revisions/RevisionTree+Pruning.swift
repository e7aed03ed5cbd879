// How revisions leave a tree: stemming forgets names of old ancestors, purging removes leaves for good.
//
// Stemming keeps, from each leaf downwards, at most `limit` revisions; what several branches share stays while any of
// them needs it.
//
//     limit 2    1-a ── 2-b ── 3-c ── 4-d      gives     3-c ── 4-d      and      1-a ── 2-x
//                  └─── 2-x
//
// The subtle thing shows above: 1-a stays (2-x needs it), 2-b goes, and one tree has become two.

extension RevisionTree {
    /// Forgets ancestors that are `limit` or more steps below the nearest leaf (at least 1); returns them, oldest first.
    ///
    /// With a detached trunk, `trunkLength` falls to what remains of it: the newest part. Leaves never go.
    @discardableResult
    package mutating func stem(to limit: Int) -> [RevisionNode] {
        let limit = max(limit, 1)
        guard nodes.count > limit - trunkLength else { return [] }
        var distances = [Int](repeating: Int.max, count: nodes.count)
        for index in nodes.indices.reversed() {
            // Children come later in the order, so this distance is final; untouched means a leaf.
            if distances[index] == Int.max { distances[index] = 0 }
            let parent = nodes[index].parent
            if parent >= 0 { distances[parent] = min(distances[parent], distances[index] + 1) }
        }
        if trunkLength > 0 {
            trunkLength = min(trunkLength, max(0, limit - 1 - distances[0]))
        }
        guard distances.contains(where: { $0 >= limit }) else { return [] }
        return keepOnly(distances.map { $0 < limit })
    }

    /// Removes those of the revisions that are leaves, and the ancestors that only they had: a purge.
    ///
    /// `removed` are the leaves, ascending; `dropped` are all nodes that went, oldest first. Revisions that are unknown
    /// or aren't leaves are left alone, even if their children go in the same call. If the first node goes, so does a
    /// detached trunk: `trunkLength` becomes 0.
    package mutating func removeLeaves(
        _ revisions: [RevisionID]
    ) -> (removed: [RevisionID], dropped: [RevisionNode]) {
        let hasChildren = hasChildren
        let going = Set(revisions.compactMap { index(of: $0) }.filter { !hasChildren[$0] })
        guard !going.isEmpty else { return ([], []) }
        let removed = going.sorted().map { nodes[$0].revision }
        var isKept = nodes.indices.map { !hasChildren[$0] && !going.contains($0) }
        for index in nodes.indices.reversed() where isKept[index] && nodes[index].parent >= 0 {
            isKept[nodes[index].parent] = true
        }
        if !isKept[0] { trunkLength = 0 }
        return (removed, keepOnly(isKept))
    }
}
