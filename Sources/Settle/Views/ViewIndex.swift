// The index of a design document, as its users hold it.
//
//     let index = try database.viewIndex("_design/orders")
//     try await index.update()                     // brings it up to date, or joins those who wait for that
//     try index.read { … }
//
// It is a small value: what is shared (the file, the updater) stays with the database, and may be closed and opened again
// behind its back.

package import SettleCore
import SettleStorage

/// An index of a database.
package struct ViewIndex: Sendable {
    package let database: Database
    package let source: ViewSource
    let shared: SharedIndex

    package var group: ViewGroup { source.group }
    /// Names the index: 32 hexadecimal digits.
    package var signature: String { source.group.signature }

    /// Where the database stands that the index follows.
    func position() throws(SettleError) -> DatabasePosition {
        try database.read { snapshot in try snapshot.position }
    }

    /// The state of the index; nil if it was never built.
    func state() throws(SettleError) -> ViewIndexState? {
        try read { reading, _, header in header.state }
    }

    /// Reads from the index's file; nil if it was never built.
    func read<Answer>(
        _ body: (consuming ReadTransaction, IndexEnvironment, IndexHeader) throws -> Answer
    ) throws(SettleError) -> Answer? {
        while let open = try shared.environment() {
            let attempt: Answer?? = try settling { () throws in
                let transaction = try open.environment.beginRead()
                guard let header = try open.header(transaction) else { return .some(nil) }
                guard !header.isRetired else { return nil }
                return try body(transaction, open, header)
            }
            if let attempt { return attempt }
            shared.release(open)
        }
        return nil
    }
}

extension ViewIndex {
    /// Whether the index has everything that a database in this position has.
    func isFresh(for position: DatabasePosition) throws(SettleError) -> Bool {
        ViewUpdatePlan(try state(), position, collatorVersion: try database.collatorVersion) == .nothing
    }

    /// Brings the index up to date with what the database has when this is called.
    ///
    /// - Throws: what stopped the updater.
    package func update() async throws(SettleError) {
        let position = try position()
        guard try !isFresh(for: position) else { return }
        let result = await withCheckedContinuation { continuation in
            submit(position) { continuation.resume(returning: $0) }
        }
        try result.get()
    }

    /// The same, holding the caller's thread.
    package func updateBlocking() throws(SettleError) {
        let position = try position()
        guard try !isFresh(for: position) else { return }
        try waiting { submit(position, $0) }
    }

    /// Has the index brought up to date, unless that is under way, and doesn't wait.
    package func updateInBackground() {
        guard let position = try? position(), (try? isFresh(for: position)) == false else { return }
        submit(position, nil)
    }

    private func submit(_ position: DatabasePosition, _ completion: SharedIndex.Completion?) {
        if let failure = shared.failure(at: position) {
            completion?(.failure(failure))
            return
        }
        guard shared.wait(for: position, completion) else { return }
        IndexThreads.updaters.submit { self.run() }
    }

    /// Makes one pass, as soon as no other process makes one.
    private func run() {
        let lock: FileLock
        do {
            guard let held = try lockFile() else {
                IndexThreads.updaters.schedule(after: shared.nextPause()) { self.run() }
                return
            }
            lock = held
        } catch {
            end(shared.beginPass(), at: nil, .failure(error))
            return
        }
        let pass = shared.beginPass()
        let position = try? position()
        let result = Result { () throws(SettleError) in try IndexUpdate(self).run() }
        lock.unlock()
        end(pass, at: position, result)
    }

    private func end(
        _ pass: UInt64,
        at position: DatabasePosition?,
        _ result: Result<ViewIndexState?, SettleError>
    ) {
        // Back to the end of the line, so that a busy index leaves room for others.
        if shared.endPass(pass, at: position, result) { IndexThreads.updaters.submit { self.run() } }
    }

    /// Takes the lock that one updater of all processes holds; nil if another has it.
    func lockFile() throws(SettleError) -> FileLock? {
        try settling { () throws in
            let path = "\(shared.directory)/update.lock"
            while true {
                guard FileSystem.exists(database.directory) else { throw Database.doesNotExist }
                try FileSystem.createDirectory("\(database.directory)/views")
                try FileSystem.createDirectory(shared.directory)
                let lock = try FileLock(path: path)
                guard try lock.tryLock() else { return nil }
                // Whoever removes an index removes its lock file while holding it.
                if lock.isInPlace(path) { return lock }
            }
        }
    }
}

/// The threads that indexes are built on.
enum IndexThreads {
    /// Updaters read, wait for functions and write: they mostly wait.
    static let updaters = WorkerThreads(count: 4)
    /// Documents are mapped, and their rows sorted, a batch at a time.
    static let mappers = WorkerThreads(count: Clock.coreCount)
}

/// Holds the thread until the completion that `body` was given is called.
func waiting<Answer: Sendable>(
    _ body: (@escaping @Sendable (Result<Answer, SettleError>) -> Void) -> Void
) throws(SettleError) -> Answer {
    let answer = Awaited<Answer>()
    body { answer.settle($0) }
    return try answer.value()
}
