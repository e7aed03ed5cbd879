// What all users of one index in this process share: its open file, the one updater, and those who wait for it.
//
//     update() ──► waiters ──► a pass: lock file, snapshot, map, write ──► everybody whom it serves goes on
//
// A pass serves who came before it began, and who came later but needs no more than it reached. While one runs no other
// begins, in this process or, by the lock file, in another; a hundred requests for a view that is behind are one pass.
//
// A map function that loops takes its five seconds of processor time and fails the pass. It would again, so as long as the
// database stays as it is, whoever asks within the next minute hears of that failure at once.

import SettleCore
import SettleStorage
import Synchronization

/// One index of a database, as this process has it open.
final class SharedIndex: Sendable {
    typealias Completion = @Sendable (Result<Void, SettleError>) -> Void

    /// Somebody who waits until the index has what its database has now.
    struct Waiter: Sendable {
        /// The passes that had begun when it came.
        let pass: UInt64
        let needs: DatabasePosition
        let completion: Completion
    }

    /// A pass that failed because of functions that took too long.
    private struct Failure {
        let position: DatabasePosition
        let end: ContinuousClock.Instant
    }

    private struct State {
        var open: IndexEnvironment?
        weak var recent: IndexEnvironment?
        var waiters: [Waiter] = []
        var passes: UInt64 = 0
        var isUpdating = false
        var isCompacting = false
        var retries = 0
        var failure: Failure?
    }

    let directory: String
    private let options: StoreOptions
    private let state = Mutex(State())

    init(directory: String, options: StoreOptions) {
        self.directory = directory
        self.options = options
    }

    // MARK: The file

    /// The environment that is the index now; nil if it was never built.
    func environment() throws(SettleError) -> IndexEnvironment? {
        let (opened, isNew) = try settling { () throws in
            try state.withLock { state -> (IndexEnvironment?, Bool) in
                if let open = state.open { return (open, false) }
                if let recent = state.recent {
                    state.open = recent
                    return (recent, false)
                }
                let opened = try openWhenClosed()
                state.open = opened
                state.recent = opened
                return (opened, opened != nil)
            }
        }
        if isNew { OpenIndexes.shared.opened(self, limit: options.maximumOpenDatabases) }
        return opened
    }

    /// Where the last user of the file is letting go of it on another thread at this moment, that is waited for.
    private func openWhenClosed() throws -> IndexEnvironment? {
        var tries = 0
        while true {
            do {
                return try IndexEnvironment.current(in: directory, options: options)
            } catch StorageError.alreadyOpen where tries < 1000 {
                tries += 1
                Clock.pause(microseconds: 200)
            }
        }
    }

    /// Lets go of an environment that is the index no more, or, without one, of that which is, for a while.
    func release(_ environment: IndexEnvironment?) {
        state.withLock { state in
            if environment == nil || state.open === environment { state.open = nil }
            if environment != nil, state.recent === environment { state.recent = nil }
        }
    }

    // MARK: Waiting

    /// Adds somebody who waits; true if no updater is under way and one has to be started.
    func wait(for needs: DatabasePosition, _ completion: Completion?) -> Bool {
        state.withLock { state in
            if let completion {
                state.waiters.append(Waiter(pass: state.passes, needs: needs, completion: completion))
            }
            defer { state.isUpdating = true }
            return !state.isUpdating
        }
    }

    /// What a pass would fail with, because one has just failed with it in this position; nil if that isn't known.
    func failure(at position: DatabasePosition) -> SettleError? {
        state.withLock { state in
            guard let failure = state.failure, failure.position == position, failure.end > .now else {
                return nil
            }
            return .functionsTookTooLong
        }
    }

    /// Notes that a pass begins, and names it.
    func beginPass() -> UInt64 {
        state.withLock { state in
            state.passes += 1
            state.retries = 0
            return state.passes
        }
    }

    /// How long to wait before the lock file is tried again, in seconds.
    func nextPause() -> Double {
        state.withLock { state in
            state.retries += 1
            return min(0.05, 0.0005 * Double(1 << min(state.retries, 7)))
        }
    }

    /// Ends a pass: whom it served are told, and whether another has to follow is returned.
    ///
    /// The result is where the index is now, or the failure, which everybody hears who is there; `position` is where
    /// the database stood when the pass began.
    func endPass(
        _ pass: UInt64,
        at position: DatabasePosition?,
        _ result: Result<ViewIndexState?, SettleError>
    ) -> Bool {
        let (served, goesOn) = state.withLock { state -> ([Waiter], Bool) in
            let served: [Waiter]
            state.failure = nil
            switch result {
            case .failure(let error):
                if error == .functionsTookTooLong, let position {
                    state.failure = Failure(position: position, end: .now + .seconds(60))
                }
                served = state.waiters
                state.waiters = []
            case .success(let reached):
                served = state.waiters.filter { $0.isServed(by: pass, reached) }
                state.waiters.removeAll { $0.isServed(by: pass, reached) }
            }
            state.isUpdating = !state.waiters.isEmpty
            return (served, state.isUpdating)
        }
        for waiter in served { waiter.completion(result.map { _ in }) }
        return goesOn
    }

    // MARK: What `_info` tells

    var waiterCount: Int { state.withLock { $0.waiters.count } }
    var isUpdating: Bool { state.withLock { $0.isUpdating } }
    var isCompacting: Bool { state.withLock { $0.isCompacting } }

    /// Marks a compaction; false if there is one already.
    func beginCompaction() -> Bool {
        state.withLock { state in
            defer { state.isCompacting = true }
            return !state.isCompacting
        }
    }

    func endCompaction() {
        state.withLock { $0.isCompacting = false }
    }
}

extension SharedIndex.Waiter {
    func isServed(by pass: UInt64, _ reached: ViewIndexState?) -> Bool {
        if self.pass < pass { return true }
        guard let reached, reached.databaseUUID == needs.databaseUUID,
            reached.incarnation == needs.incarnation
        else { return false }
        return reached.updateSequence >= needs.updateSequence && reached.purgeSequence >= needs.purgeSequence
    }
}

/// The indexes of this process whose files are open: so many at most stay so.
final class OpenIndexes: Sendable {
    static let shared = OpenIndexes()

    private struct Entry {
        weak var index: SharedIndex?
    }

    /// In the order they were opened.
    private let entries = Mutex<[Entry]>([])

    /// Notes that an index was opened, and closes those that were opened longest ago if there are too many.
    ///
    /// One that is used again is opened again: what matters is that thousands aren't kept open.
    func opened(_ index: SharedIndex, limit: Int) {
        let closing = entries.withLock { entries -> [SharedIndex] in
            entries.removeAll { $0.index == nil || $0.index === index }
            entries.append(Entry(index: index))
            guard entries.count > limit else { return [] }
            let closing = entries.prefix(limit / 4 + 1).compactMap(\.index)
            entries.removeFirst(limit / 4 + 1)
            return closing
        }
        for index in closing { index.release(nil) }
    }
}
