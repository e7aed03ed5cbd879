// One pass of an index's updater: from where the index is to where its database is.
//
//     1. plan: nothing to do, follow, or build anew (ViewUpdatePlan)
//     2. follow: in a snapshot, first the documents that were purged since, then those that changed; mapped in batches,
//        compared with the rows they had, written in sorted order, one commit
//     3. build: see IndexBuild
//
// The subtle thing is what "up to date" means. Many changes are read in several snapshots, lest one pin the pages of a
// busy database for minutes. A document that changes meanwhile moves to the end of `changes`, so an index that has
// followed to some sequence may lack what that document was before. It is complete, and says so, only when one snapshot was
// followed to its end: the last stretch is read in one.

import SettleCore
import SettleStorage

/// Brings one index up to date.
struct IndexUpdate {
    let index: ViewIndex
    let collatorVersion: [UInt8]
    let task: ViewIndexTask.Recorder

    /// Changes that one snapshot may be held for.
    static let snapshotLimit = 20_000
    /// Bytes of rows that are written in one transaction.
    static let chunkLimit = 16 << 20
    /// Stretches that are followed in snapshots of their own before one is held however long it takes: a database that
    /// is written to faster than it is indexed must not keep its readers waiting for ever.
    static let roundLimit = 8

    init(_ index: ViewIndex) throws(SettleError) {
        self.index = index
        collatorVersion = try index.database.collatorVersion
        task = ViewIndexTask.Recorder(index)
    }

    /// Makes the pass; the state the index has reached.
    func run() throws(SettleError) -> ViewIndexState? {
        defer { task.end() }
        let position = try index.position()
        let plan = ViewUpdatePlan(try index.state(), position, collatorVersion: collatorVersion)
        switch plan {
        case .nothing: break
        case .follow:
            guard let open = try index.shared.environment() else { break }
            try follow(open)
        case .build: try IndexBuild(self).run(from: position)
        }
        return try index.state()
    }

    /// Follows the database to the end of a snapshot.
    func follow(_ open: IndexEnvironment) throws(SettleError) {
        var round = 0
        while try !followStretch(open, isLast: round >= Self.roundLimit) { round += 1 }
    }

    /// Follows as far as one snapshot should be held; true if that was its end.
    private func followStretch(_ open: IndexEnvironment, isLast: Bool) throws(SettleError) -> Bool {
        try index.database.read { snapshot in
            guard let header = try open.header() else { throw StorageError.corrupted }
            let position = try snapshot.position
            let purged = try snapshot.purges(after: header.state.purgeSequence).map(\.id)
            let remaining = try snapshot.changes(after: header.state.updateSequence)
            let holds = isLast || remaining <= Self.snapshotLimit
            task.begin(total: remaining + purged.count)
            var chunk = IndexChunk(header.state)
            var pipeline = MapPipeline(index.source, collator: try index.database.collator)
            var sequence = header.state.updateSequence
            func deliver(_ rows: EncodedRows) throws {
                task.advance(rows.documents.count)
                chunk.append(rows)
            }
            var seen: Set<[UInt8]> = []
            for id in purged where seen.insert(id.bytes).inserted {
                try pipeline.add({ try snapshot.append(id, to: &$0, of: index.group) }, deliver: deliver)
            }
            chunk.state.purgeSequence = position.purgeSequence
            var changes = try snapshot.changesCursor()
            var found = try changes.seek(after: sequence)
            while found {
                sequence = changes.sequence
                if seen.isEmpty || !seen.contains(changes.id.bytes) {
                    try pipeline.add(
                        { try changes.append(to: &$0, of: index.group, in: snapshot) },
                        deliver: deliver
                    )
                }
                if chunk.byteCount >= Self.chunkLimit {
                    try pipeline.finish(deliver: deliver)
                    chunk.state.updateSequence = sequence
                    try chunk.write(to: open, index.source)
                    // What was purged is written: it may come again with a later change.
                    seen = []
                    if !holds { return false }
                }
                found = try changes.next()
            }
            try pipeline.finish(deliver: deliver)
            chunk.state.updateSequence = position.updateSequence
            try chunk.write(to: open, index.source)
            return true
        }
    }
}
