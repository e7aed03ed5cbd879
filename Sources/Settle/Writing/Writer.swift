// The one writer of a database: a queue, drained one transaction at a time by a small pool of threads.
//
//     submit ─┐
//     submit ─┼─► queue ──► drain: lock file, begin, perform each, commit ──► answers, listeners
//     submit ─┘
//
// Whatever waits when a transaction begins goes into it, so that one wait for the disk serves many (group commit). A
// transaction belongs to the thread that began it and its commit blocks, hence threads rather than tasks; hence a pool
// rather than a thread per database: ten thousand databases must not mean ten thousand threads.
//
// Another process may write to the same database. The lock file is tried without waiting, with a growing pause between
// tries: a process that was suspended while it wrote delays this database, never the pool.

import Dispatch
package import SettleCore
import SettleStorage
import Synchronization

/// Performs the write requests of one database.
final class Writer: Sendable {
    /// Takes the answer to a request, on a writer thread.
    typealias Completion = @Sendable (Result<WriteResult, SettleError>) -> Void

    /// What can wait in the queue.
    private enum Job: Sendable {
        case request(ClearedRequest, Completion)
        /// Runs alone, with the lock file held: compaction's last step, deletion.
        case exclusive(
            @Sendable () throws(SettleError) -> Void,
            @Sendable (Result<Void, SettleError>) -> Void
        )
    }

    private struct Queue {
        var waiting: [Job] = []
        var isDraining = false
        var retries = 0
    }

    /// The blocks of ids after our last commit, valid while nobody else has committed.
    private struct Remembered {
        var counts: DocumentCounts?
        var commit = Commit()
    }

    /// Requests that go into one transaction at most: an answer should not wait for a thousand others.
    private static let groupLimit = 512

    private let queue = Mutex(Queue())
    private let remembered = Mutex(Remembered())
    /// Whether what killed processes left among the attachments was cleared away.
    private let hasSwept = Mutex(false)

    func submit(_ request: ClearedRequest, to database: Database, _ completion: @escaping Completion) {
        enqueue(.request(request, completion), database)
    }

    func runExclusively(
        on database: Database,
        _ body: @escaping @Sendable () throws(SettleError) -> Void,
        _ completion: @escaping @Sendable (Result<Void, SettleError>) -> Void
    ) {
        enqueue(.exclusive(body, completion), database)
    }

    private func enqueue(_ job: Job, _ database: Database) {
        let starts = queue.withLock { queue in
            queue.waiting.append(job)
            defer { queue.isDraining = true }
            return !queue.isDraining
        }
        if starts { WorkerThreads.shared.submit { self.drain(database) } }
    }
}

// MARK: Draining

extension Writer {
    private func drain(_ database: Database) {
        let lock: FileLock
        do {
            let path = "\(database.directory)/writer.lock"
            let held = try FileLock(path: path)
            // The lock of a directory that was deleted meanwhile says nothing about the one in its place.
            guard try held.tryLock(), held.isInPlace(path) else {
                let pause = queue.withLock { queue in
                    queue.retries += 1
                    return min(0.05, 0.0005 * Double(1 << min(queue.retries, 7)))
                }
                WorkerThreads.shared.schedule(after: pause) { self.drain(database) }
                return
            }
            lock = held
        } catch {
            answer(
                takeGroup(),
                with: FileSystem.exists(database.directory) ? SettleError(error) : Database.doesNotExist
            )
            finish(database)
            return
        }
        let group = takeGroup()
        if case .exclusive(let body, let completion) = group.first {
            let result = Result { () throws(SettleError) in try body() }
            remembered.withLock { $0 = Remembered() }
            lock.unlock()
            completion(result)
            finish(database)
            return
        }
        perform(group, database, releasing: lock)
        finish(database)
    }

    /// Takes what goes into one transaction: the requests in front, or one exclusive job.
    private func takeGroup() -> [Job] {
        queue.withLock { queue in
            queue.retries = 0
            var count = 0
            for job in queue.waiting.prefix(Self.groupLimit) {
                if case .exclusive = job { break }
                count += 1
            }
            count = max(count, min(1, queue.waiting.count))
            let group = Array(queue.waiting.prefix(count))
            queue.waiting.removeFirst(count)
            return group
        }
    }

    private func finish(_ database: Database) {
        let goesOn = queue.withLock { queue in
            queue.isDraining = !queue.waiting.isEmpty
            return queue.isDraining
        }
        // Back to the end of the pool's line, so that a busy database leaves room for others.
        if goesOn { WorkerThreads.shared.submit { self.drain(database) } }
    }

    private func answer(_ group: [Job], with error: SettleError) {
        for job in group {
            switch job {
            case .request(_, let completion): completion(.failure(error))
            case .exclusive(_, let completion): completion(.failure(error))
            }
        }
    }

    private func perform(_ group: [Job], _ database: Database, releasing lock: FileLock) {
        let requests = group.compactMap { job in
            if case .request(let request, _) = job { request } else { nil }
        }
        do throws(SettleError) {
            let committed = try commit(requests, database)
            lock.unlock()
            for (job, result) in zip(group, committed.results) {
                guard case .request(let request, let completion) = job else { continue }
                if let result {
                    completion(.success(result))
                } else {
                    database.clearAgain(request, completion)
                }
            }
            if committed.changedDocuments {
                database.listeners.committed(committed.commit)
                database.views.upkeep.noteCommit(of: database)
            }
            if let removed = committed.removed {
                database.collector.collect(
                    removed.files,
                    of: removed.open,
                    since: committed.commit.transaction
                )
            }
        } catch {
            lock.unlock()
            remembered.withLock { $0 = Remembered() }
            answer(group, with: error)
        }
    }
}

// MARK: One transaction

extension Writer {
    private struct Committed {
        /// Nil where the request's documents must be validated again.
        var results: [WriteResult?]
        var changedDocuments: Bool
        var commit: Commit
        /// Files of attachments that lost their last use.
        var removed: (files: [UInt64], open: OpenEnvironment)?
    }

    private func commit(_ requests: [ClearedRequest], _ database: Database) throws(SettleError) -> Committed {
        while true {
            let open = try database.environment()
            do {
                if let committed = try attempt(requests, open, database) { return committed }
            } catch StorageError.mapFull {
                try settling { () throws in try open.environment.growMap() }
            } catch let error as SettleError {
                throw error
            } catch {
                // The file is closed and looked at afresh by whoever comes next.
                database.release(open)
                throw (error as? StorageError).map { SettleError($0) }
                    ?? SettleError(.internalError, "\(error)")
            }
        }
    }

    /// Performs the requests in one transaction; nil if the environment is not the database any more.
    private func attempt(
        _ requests: [ClearedRequest],
        _ open: OpenEnvironment,
        _ database: Database
    ) throws -> Committed? {
        let transaction = try open.environment.beginWrite()
        let life = try MetaRows.life(transaction.reading, open.tables)
        guard life == .live else {
            database.release(open, life: life)
            return nil
        }
        let commit = Commit(generation: open.generation, transaction: transaction.reading.id)
        let counts = remembered.withLock { remembered in
            defer { remembered = Remembered() }
            let last = remembered.commit
            return last.transaction + 1 == commit.transaction && last.generation == commit.generation
                ? remembered.counts : nil
        }
        var update = try Update(
            transaction,
            open,
            directory: database.directory,
            options: database.options,
            documentCounts: counts,
            sweepsFiles: hasSwept.withLock { !$0 }
        )
        var results: [WriteResult?] = []
        results.reserveCapacity(requests.count)
        for request in requests {
            results.append(try update.perform(request.request, request.clearance))
        }
        guard update.hasChanges else {
            return Committed(results: results, changedDocuments: false, commit: commit)
        }
        try update.finish()
        let changed =
            update.state.sequence != update.stateBefore.sequence
            || update.state.purgeSequence != update.stateBefore.purgeSequence
        let after = update.documentCounts
        let removed = update.removedFiles + update.inheritedFiles
        try update.commit()
        remembered.withLock { $0 = Remembered(counts: after, commit: commit) }
        hasSwept.withLock { $0 = true }
        return Committed(
            results: results,
            changedDocuments: changed,
            commit: commit,
            removed: removed.isEmpty ? nil : (removed, open)
        )
    }
}

extension Update {
    consuming func commit() throws {
        try transaction.commit()
    }
}

// MARK: How others call it

extension Database {
    /// Hands a request to the writer; the answer comes on a writer thread, after the durable commit.
    package func submit(
        _ request: WriteRequest,
        _ completion: @escaping @Sendable (Result<WriteResult, SettleError>) -> Void
    ) {
        guard case .edits = request else {
            writer.submit(ClearedRequest(request: request), to: self, completion)
            return
        }
        clear(ClearedRequest(request: request), completion)
    }

    /// Hands a request to the writer and waits, without holding a thread.
    package func perform(_ request: WriteRequest) async throws(SettleError) -> WriteResult {
        let result = await withCheckedContinuation { continuation in
            submit(request) { continuation.resume(returning: $0) }
        }
        return try result.get()
    }

    /// Hands a request to the writer and holds the caller's thread until the answer comes.
    package func performBlocking(_ request: WriteRequest) throws(SettleError) -> WriteResult {
        let done = DispatchSemaphore(value: 0)
        let answer = Mutex<Result<WriteResult, SettleError>?>(nil)
        withExtendedLifetime(done) {
            submit(request) { result in
                answer.withLock { $0 = result }
                done.signal()
            }
            done.wait()
        }
        guard let result = answer.withLock({ $0 }) else { throw SettleError(.internalError) }
        return try result.get()
    }

    /// Runs a step that no writer of any process may interrupt.
    func exclusively(_ body: @escaping @Sendable () throws(SettleError) -> Void) async throws(SettleError) {
        let result = await withCheckedContinuation { continuation in
            writer.runExclusively(on: self, body) { continuation.resume(returning: $0) }
        }
        try result.get()
    }
}
