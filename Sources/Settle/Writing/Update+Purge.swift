// Purging: leaves are forgotten without a trace, bodies first. A document whose last leaf goes is gone.

import SettleCore
import SettleStorage

extension Update {
    mutating func purge(_ targets: [(DocumentID, [RevisionID])]) throws -> WriteResult {
        var purged: [(DocumentID, [RevisionID])] = []
        for (id, revisions) in targets {
            purged.append((id, try purge(id, revisions)))
        }
        return .purged(purged, purgeSequence: state.purgeSequence)
    }

    private mutating func purge(_ id: DocumentID, _ revisions: [RevisionID]) throws -> [RevisionID] {
        guard let before = try transaction.reading.record(id, tables) else { return [] }
        var after = before
        let whole = try transaction.reading.tree(of: before, tables)
        var tree = whole
        let removed = tree.removeLeaves(revisions).removed
        guard !removed.isEmpty else { return [] }
        hasChanges = true
        try note(id, removed)
        // The bodies of everything that left the tree go at once: a purge is for what must not be kept.
        let kept = Set(tree.nodes.map(\.body))
        let leaves = Set(whole.leaves)
        for (index, node) in whole.nodes.enumerated()
        where node.body >= BodyNumber.first && !kept.contains(node.body) {
            guard try deleteBody(node.body), leaves.contains(index) else { continue }
            state.liveBytes -= min(node.bodySize, state.liveBytes)
        }
        guard !tree.isEmpty else {
            if let trunk = before.head.trunkGenerations { try dropHistory(before.number, trunk) }
            _ = try transaction.delete(tables.changes, before.sequence)
            sequenceCounts.add(-1, at: before.sequence)
            accountDocument(id, wasLive: !before.isDeleted, isLive: nil)
            noteRules(id)
            _ = try transaction.delete(tables.documents, id.bytes)
            return removed
        }
        if let trunk = before.head.trunkGenerations { try dropHistory(before.number, trunk) }
        after.head = tree
        // `put` compares leaves to find superseded bodies; what was purged is not superseded, it is gone.
        var settled = before
        settled.head = tree
        try put(id, before: settled, wasLive: !before.isDeleted, after: &after)
        return removed
    }

    /// Writes a purge down, and forgets the oldest ones beyond the limit.
    private mutating func note(_ id: DocumentID, _ revisions: [RevisionID]) throws {
        state.purgeSequence += 1
        let record = PurgeRecord(
            sequence: state.purgeSequence,
            uuid: DatabaseIdentity.new().uuid,
            id: id,
            revisions: revisions
        )
        try transaction.put(tables.purges, state.purgeSequence, record.encoded, append: true)
        let limit = try MetaRows.purgedInfosLimit(transaction.reading, tables)
        var count = try transaction.reading.count(tables.purges)
        while UInt64(count) > limit {
            let oldest: UInt64
            do {
                var cursor = try transaction.reading.cursor(tables.purges)
                guard try cursor.first() else { return }
                oldest = cursor.integerKey
            }
            _ = try transaction.delete(tables.purges, oldest)
            count -= 1
        }
    }
}
