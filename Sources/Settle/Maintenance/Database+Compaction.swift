// Compaction: giving space back to the file system, while others go on reading and writing.
//
//     1. forget every body that no leaf has any more
//     2. copy a snapshot into documents-<g+1>.draft, without its free pages
//     3. bring the copy up to date (CompactionDraft), again and again until little is left
//     4. with the writer's lock held: the last bit, sync, move to documents-<g+1>.mdb, sync the directory, and only
//        then write `retired → g+1` into the old file as its last transaction
//
// Whoever reads or writes sees that row first and goes over to the new file. Killed at any point, the lowest file that
// is not retired is the database. Nothing *needs* compaction: ordinary writes forget old bodies, and LMDB reuses pages.
//
// Two processes must not compact at once: their drafts would have one name, and the first to finish would put the other's
// half-made one in place. So `compaction.lock` is held from step 2 on.

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
            let open = try self.environment()
            return try settling { () throws in
                let draft = try CompactionDraft(copying: open, in: self.directory)
                // What was written during the copy is caught up without stopping anybody, as long as it is much.
                for _ in 0..<8 where try draft.catchUp(with: open) > 1000 {}
                return draft
            }
        }
        try await exclusively { () throws(SettleError) in
            try settling { () throws in try self.finish(draft) }
        }
    }

    /// The right to make the next generation's file, which has one name; nil if another process has it.
    private func compactionLock() throws(SettleError) -> FileLock? {
        do {
            let lock = try FileLock(path: "\(directory)/compaction.lock")
            return try lock.tryLock() ? lock : nil
        } catch {
            throw FileSystem.exists(directory) ? SettleError(error) : Self.doesNotExist
        }
    }

    /// Whether a compaction is under way in this process.
    package var isCompacting: Bool { compacting.withLock { $0 } }

    /// The last step, with the writer's lock held.
    func finish(_ draft: CompactionDraft) throws {
        let open = draft.source
        guard try open.life() == .live else {
            try draft.discard()
            return
        }
        _ = try draft.catchUp(with: open)
        try draft.settle(syncing: options.syncsCommits)
        let transaction = try open.environment.beginWrite()
        try transaction.put(
            open.tables.meta,
            MetaKey.life,
            EnvironmentLife.retired(next: open.generation + 1).encoded
        )
        try transaction.commit()
        release(open, life: .retired(next: open.generation + 1))
        try OpenEnvironment.removeFile(directory, open.generation)
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
