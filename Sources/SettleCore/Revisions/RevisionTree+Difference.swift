// What a peer should send: the questions of `_revs_diff`.
//
// The subtle things are CouchDB's, and clients see them:
// - `missing` isn't in the order asked. CouchDB sieves the names through the tree level by level, and those that a level
//   proves absent come out first. The effect: names are ordered by how many of the tree's revisions are of their
//   generation or a lower one, and only among equals by the order asked.
// - A name that is asked twice and known is reported missing once, since the sieve catches one of each.

extension RevisionTree {
    /// Which of the revisions are unknown, in CouchDB's order; revisions known only by name count as known.
    ///
    /// On a tree with a detached trunk, `needsTrunk(revisions:)` must be false.
    package func missing(from revisions: [RevisionID]) -> [RevisionID] {
        precondition(!needsTrunk(revisions: revisions), "this question needs the tree's detached trunk")
        var found: Set<Int> = []
        var missing: [RevisionID] = []
        for revision in revisions {
            if let index = index(of: revision), revisions.count == 1 || found.insert(index).inserted {
                continue
            }
            missing.append(revision)
        }
        guard missing.count > 1, !nodes.isEmpty else { return missing }
        let ranked = missing.enumerated().map {
            (rank: rank(ofGeneration: $1.generation), order: $0, revision: $1)
        }
        return ranked.sorted { ($0.rank, $0.order) < ($1.rank, $1.order) }.map(\.revision)
    }

    /// The leaves that a missing revision might descend from, winner first: those of a lower generation than the highest.
    package func possibleAncestors(of missing: [RevisionID]) -> [RevisionID] {
        guard let highest = missing.lazy.map(\.generation).max() else { return [] }
        return leaves.map { nodes[$0].revision }.filter { $0.generation < highest }
    }

    /// How many revisions there are of a generation or lower ones, the trunk included.
    private func rank(ofGeneration generation: UInt64) -> Int {
        guard let root = nodes.first?.generation, trunkLength > 0, generation < root else {
            return trunkLength + firstIndex { $0.generation <= generation }
        }
        // The trunk is a line, so its generations are the `trunkLength` ones below the root.
        return max(0, trunkLength + 1 - Int(clamping: root - generation))
    }
}
