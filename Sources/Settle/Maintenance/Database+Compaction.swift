// Compaction: giving space back to the file system, while others go on reading and writing.
//
//     1. forget every body that no leaf has any more
//     2. copy a snapshot into documents-<g+1>.draft-…, without its free pages
//     3. bring the copy up to date (CompactionDraft), again and again until little is left
//     4. in one last transaction on the old file, which keeps all writers out: catch up with the last bit, sync, move to
//        documents-<g+1>.mdb, sync the directory, and only then commit the row `retired → g+1`
//     5. remove the old file, as soon as those who began to read it have ended
//
// Whoever reads or writes sees that row first and goes over to the new file. Killed at any point, the lowest file that
// is not retired is the database. Nothing *needs* compaction: ordinary writes forget old bodies, and LMDB reuses pages.
//
// Two processes could compact at once: the second to finish finds the old file retired and gives its copy up. But it would
// be work for nothing, and drafts of killed processes could not be told from those under way. So `compaction.lock` is
// held from step 2 on.

package import SettleCore
import SettleStorage
import Synchronization

extension Database {
    /// Forgets superseded bodies, and rewrites the file without free pages.
    ///
    /// A second call while one is under way, in this process or another, makes no second file.
    package func compact() async throws(SettleError) {
        guard
            compacting.withLock({ isRunning in
                defer { isRunning = true }
                return !isRunning
            })
        else { return }
        defer { compacting.withLock { $0 = false } }
        while try read({ snapshot in try snapshot.state.supersededBytes > 0 }) {
            _ = try await perform(.forgetSuperseded(steps: 4096))
        }
        do { try AttachmentFiles.sweepDrafts(directory) } catch { throw SettleError(error) }
        guard let lock = try compactionLock() else { return }
        defer { lock.unlock() }
        let draft = try await onWorkerThread { () throws(SettleError) in
            let open = try self.read { $0.open }
            return try settling { () throws in
                let draft = try CompactionDraft(copying: open)
                do {
                    // What was written during the copy is caught up without stopping anybody, as long as it is much.
                    for _ in 0..<8 where try draft.catchUp(with: open.environment.beginRead()) > 1000 {}
                } catch {
                    try draft.discard()
                    throw error
                }
                return draft
            }
        }
        try await exclusively { () throws(SettleError) in
            try settling { () throws in try self.finish(draft) }
        }
    }

    /// The right to make the next generation's file, which has one name; nil if another process has it.
    private func compactionLock() throws(SettleError) -> FileLock? {
        let directory = try environment().directory
        do {
            let lock = try FileLock("compaction.lock", in: directory)
            return try lock.tryLock() ? lock : nil
        } catch {
            // The directory that is open may have been deleted by another process.
            throw error == .noSuchFile ? Self.doesNotExist : SettleError(error)
        }
    }

    /// Whether a compaction is under way in this process.
    package var isCompacting: Bool { compacting.withLock { $0 } }

    /// The last step, with the writer's lock held.
    func finish(_ draft: CompactionDraft) throws {
        let open = draft.source
        let retired = EnvironmentLife.retired(next: open.generation + 1)
        do {
            let transaction = try open.environment.beginWrite()
            // What takes the next generation's name must come from the file that has this one's.
            guard try MetaRows.life(transaction.reading, open.tables) == .live,
                open.directory.holds(open.environment, as: OpenEnvironment.name(open.generation))
            else { return try draft.discard() }
            _ = try draft.catchUp(with: transaction.reading)
            try transaction.put(open.tables.meta, MetaKey.life, retired.encoded)
            try draft.settle(syncing: options.syncsCommits)
            try transaction.commit()
        } catch {
            try draft.discard()
            throw error
        }
        release(open, life: retired)
        if (try? open.removeIfUnread()) != true { collector.collect(open) }
    }

    /// Runs blocking work on a writer thread, away from the cooperative pool.
    package func onWorkerThread<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(SettleError) -> Answer
    ) async throws(SettleError) -> Answer {
        let result = await withCheckedContinuation { continuation in
            WorkerThreads.shared.submit {
                continuation.resume(returning: Result { () throws(SettleError) in try body() })
            }
        }
        return try result.get()
    }
}
