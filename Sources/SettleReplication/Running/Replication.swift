// A replication: copies what one database has and another lacks, once or for as long as it runs.
//
//     let here = try Database.open(at: "notes.settle", creating: true)
//     let pull = try Replication(from: .url("https://bob:secret@peer.example/notes"), to: .database(here))
//     let result = try await pull.run()
//     print(result.statistics.documentsWritten, result.failures)
//
// Both ways is two replications. A continuous one runs until it is stopped; when a peer goes away it waits and goes on
// where it was, because both databases have it noted.
//
// The subtle thing: the work runs in a task of its own. Cancelling the task that awaits `run()` stops it in an orderly
// way, which includes noting how far it came; a cancelled task could not do that.

public import Settle
public import SettleCore
import Synchronization

/// A copy of a database into another one, which may be far away.
public final class Replication: Sendable {
    /// One side of a replication.
    public enum Side: Sendable {
        /// A database of this process.
        case database(Database)
        /// A database behind a URL, which may hold user and password: `http://bob:secret@host:5984/notes`.
        case url(String)
    }

    /// What is copied, and how.
    public let options: ReplicationOptions
    private let source: any Peer
    private let target: any Peer
    private let serverUUID: String
    /// Whether a continuous replication tries again after a failure, or leaves that to somebody else.
    private let survivesFailures: Bool
    /// Told each time the replication does something else than before.
    private let stateChanged: StateListener
    private let filter: DocumentFilter?
    private let isNamedByFilter: Bool
    private let state: Mutex<State>

    /// A closure that is told of states.
    package struct StateListener: Sendable {
        let body: @Sendable (ReplicationStatus.State) -> Void

        package init(_ body: @escaping @Sendable (ReplicationStatus.State) -> Void = { _ in }) {
            self.body = body
        }
    }

    private struct State {
        var status: ReplicationStatus
        var watchers: [Int: AsyncStream<ReplicationStatus>.Continuation] = [:]
        var nextWatcher = 0
        /// Where events of the session that runs go.
        var events: AsyncStream<ReplicationSession.Event>.Continuation?
        /// The wait between two sessions.
        var nap: Task<Void, Never>?
        var isStopped = false
        var isStarted = false
        var name: ReplicationID?
        /// How often a database was replaced in a row before anything was noted.
        var restarts = 0
        /// What was known of both databases when a session last ended.
        var known: KnownPeers?
        /// How far the replication had come when it last failed.
        var lastCrash: SourceSequence?
        /// When the rate was last taken, and the count at that moment.
        var rated: (at: ContinuousClock.Instant, written: Int)?
    }

    /// A replication between two peers, in the name of a server.
    package init(
        _ options: ReplicationOptions,
        source: any Peer,
        target: any Peer,
        serverUUID: String,
        name: ReplicationID? = nil,
        filter: DocumentFilter? = nil,
        survivesFailures: Bool = true,
        stateChanged: StateListener = StateListener()
    ) {
        var options = options
        options.functionVersion = filter?.version
        self.survivesFailures = survivesFailures
        self.stateChanged = stateChanged
        self.options = options
        self.filter = filter
        self.source = source
        self.target = target
        self.serverUUID = serverUUID
        // What is named by the code of a filter function is renamed when that changes, unless somebody else sees to it.
        isNamedByFilter = name == nil && options.filterFunction != nil
        var state = State(status: ReplicationStatus(startedAt: Clock.unixSeconds))
        state.name = name
        self.state = Mutex(state)
    }

    /// A replication from one database to another.
    ///
    /// - Parameters:
    ///   - source: Where to copy from.
    ///   - target: Where to copy to.
    ///   - filter: Decides which documents are copied, where a selector does not do.
    ///   - configure: Changes the options, such as `isContinuous` or `selection`.
    /// - Throws: `badRequest` if a URL is none, or if a selector makes no sense.
    public convenience init(
        from source: Side,
        to target: Side,
        filter: DocumentFilter? = nil,
        configure: (inout ReplicationOptions) -> Void = { _ in }
    ) throws(SettleError) {
        var options = ReplicationOptions(source: try source.endpoint, target: try target.endpoint)
        configure(&options)
        if case .selector(let selector) = options.selection { _ = try Selector(selector) }
        try options.checkRetracting()
        // The name has to be the same at the next start: the database here gives it.
        let (ours, theirs) = (try source.databaseUUID, try target.databaseUUID)
        self.init(
            options,
            source: try source.peer(options.source, options),
            target: try target.peer(options.target, options),
            serverUUID: ours ?? theirs ?? "",
            filter: filter
        )
    }

    /// Where the replication is now.
    public var status: ReplicationStatus {
        state.withLock { $0.status }
    }

    /// The status from now on, each time it changes; a slow reader misses some.
    ///
    /// - Returns: A sequence that ends when the replication does.
    public func statuses() -> AsyncStream<ReplicationStatus> {
        let (stream, watcher) = AsyncStream.makeStream(
            of: ReplicationStatus.self,
            bufferingPolicy: .bufferingNewest(1)
        )
        let number = state.withLock { state in
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = watcher
            watcher.yield(state.status)
            return state.nextWatcher
        }
        watcher.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.watchers.removeValue(forKey: number) }
        }
        return stream
    }

    /// Begins to run, and gives the status from now on.
    ///
    /// - Returns: A sequence of what can be seen of it, which ends when the replication does; the last says how it ended.
    public func start() -> AsyncStream<ReplicationStatus> {
        let statuses = statuses()
        Task { _ = try? await run() }
        return statuses
    }

    /// Runs until everything is copied, or, if the replication is continuous, until it is stopped.
    ///
    /// - Returns: What has come of it.
    /// - Throws: Why it could not go on; a continuous replication tries again instead.
    public func run() async throws(SettleError) -> ReplicationResult {
        let isFirst = state.withLock { state in
            defer { state.isStarted = true }
            return !state.isStarted
        }
        guard isFirst else { throw SettleError(.badRequest, "A replication runs once.") }
        let work = Task { await self.supervise() }
        let result = await withTaskCancellationHandler {
            await work.value
        } onCancel: {
            stop()
        }
        // Outside the lock: a watcher that ends takes itself off the list.
        for watcher in state.withLock({ Array($0.watchers.values) }) { watcher.finish() }
        return try result.get()
    }

    /// Tries the documents again that could not be copied, such as those that the target refused.
    ///
    /// They leave the list of failures, and come back to it if they are refused again. Nothing happens while no session is
    /// under way.
    public func retryFailures() {
        state.withLock { state in _ = state.events?.yield(.retryFailures) }
    }

    /// Ends the replication soon, noting how far it came.
    public func stop() {
        state.withLock { state in
            state.isStopped = true
            state.events?.yield(.stop)
            state.nap?.cancel()
        }
    }
}

// MARK: Sessions

extension Replication {
    /// Runs one session after the other until the replication is over.
    private func supervise() async -> Result<ReplicationResult, SettleError> {
        while true {
            do throws(SettleError) {
                let end = try await session()
                update { $0.take(end.progress) }
                switch end.outcome {
                case .failed(let error): throw error
                case .outdated(let error):
                    try beginAnew(error, hasProgress: end.progress.hasCommitted)
                    continue
                case .completed, .stopped: break
                }
                let wasStopped = end.outcome == .stopped
                update { $0.state = wasStopped ? .stopped : .completed }
                return .success(end.result(wasStopped: wasStopped))
            } catch {
                guard options.isContinuous, survivesFailures, await survive(error) else {
                    let isStopped = state.withLock { $0.isStopped }
                    update { status in
                        status.state = isStopped ? .stopped : .failed
                        status.error = error
                    }
                    return .failure(error)
                }
            }
        }
    }

    /// How often in a row a database may be replaced, without any progress, until somebody should look at it.
    private static let longestRowOfRestarts = 3

    /// A database was replaced: the next session finds out where to begin.
    private func beginAnew(_ reason: SettleError, hasProgress: Bool) throws(SettleError) {
        let row = state.withLock { state in
            state.restarts = hasProgress ? 1 : state.restarts + 1
            if isNamedByFilter { state.name = nil }
            return state.restarts
        }
        guard row <= Self.longestRowOfRestarts else { throw reason }
        update { status in
            status.state = .initializing
            status.error = reason
            status.restarts += 1
        }
    }

    /// What was known of both databases when a session last ended; nil before.
    var known: KnownPeers? { state.withLock { $0.known } }

    private func session() async throws(SettleError) -> ReplicationSession.End {
        let (events, send) = AsyncStream.makeStream(of: ReplicationSession.Event.self)
        state.withLock { state in
            state.events = send
            state.status.retractedBefore = state.status.documentsRetracted
            state.rated = nil
            if state.isStopped { send.yield(.stop) }
        }
        defer { state.withLock { $0.events = nil } }
        let session = ReplicationSession(
            options: options,
            name: try await name(),
            serverUUID: serverUUID,
            source: source,
            target: target,
            report: { [weak self] progress in self?.take(progress) },
            filter: filter,
            isNamedByFilter: isNamedByFilter
        )
        let end = try await session.run(events, send)
        state.withLock { $0.known = end.known }
        return end
    }

    /// The replication's name, for which a filter's code may have to be looked up.
    package func name() async throws(SettleError) -> ReplicationID {
        if let name = state.withLock({ $0.name }) { return name }
        let name = try await ReplicationID(options, serverUUID: serverUUID, source: source)
        state.withLock { $0.name = name }
        return name
    }

    /// Waits after a failure: a second, doubling, at most a minute, so that it goes on soon after the network is back.
    ///
    /// False if the replication was stopped meanwhile.
    private func survive(_ error: SettleError) async -> Bool {
        let crashes = state.withLock { state in
            // Whoever has come further since the last failure starts over with the shortest wait.
            let hasMoved = state.status.through != state.lastCrash
            state.lastCrash = state.status.through
            state.status.crashes = hasMoved ? 1 : state.status.crashes + 1
            return state.status.crashes
        }
        update { status in
            status.state = .crashing
            status.error = error
        }
        let delay = min(Duration.seconds(1 << min(crashes - 1, 16)), .seconds(60))
        let nap = Task { _ = await Waiting.current(delay) }
        let isStopped = state.withLock { state in
            state.nap = nap
            return state.isStopped
        }
        if isNamedByFilter { state.withLock { $0.name = nil } }
        if isStopped { return false }
        await nap.value
        return state.withLock { state in
            state.nap = nil
            return !state.isStopped
        }
    }

    private func take(_ progress: ReplicationSession.Progress) {
        let now = ContinuousClock.now
        update { status in status.take(progress) }
        state.withLock { state in
            let written = progress.statistics.documentsWritten
            guard let rated = state.rated else {
                state.rated = (now, written)
                return
            }
            let seconds = (now - rated.at) / .seconds(1)
            guard seconds >= 1 else { return }
            state.status.documentsPerSecond = Double(written - rated.written) / seconds
            state.rated = (now, written)
        }
    }

    private func update(_ change: (inout ReplicationStatus) -> Void) {
        let news: ReplicationStatus.State? = state.withLock { state in
            let before = state.status.state
            change(&state.status)
            state.status.updatedAt = Clock.unixSeconds
            for watcher in state.watchers.values { watcher.yield(state.status) }
            return before == state.status.state ? nil : state.status.state
        }
        if let news { stateChanged.body(news) }
    }
}

extension ReplicationSession.End {
    fileprivate func result(wasStopped: Bool) -> ReplicationResult {
        ReplicationResult(
            wasStopped: wasStopped,
            statistics: progress.statistics,
            failures: progress.failures,
            documentsRetracted: progress.retracted,
            answer: answer
        )
    }
}
