// The replications that a server runs because somebody asked it to: `POST /_replicate`, and documents of replicator
// databases.
//
// | request                          | answer |
// |----------------------------------|--------|
// | once                             | 200 with session and history, when everything is copied |
// | once, and the same one is running| the answer of that one |
// | `continuous`                     | 202 `{"ok":true,"_local_id":"…+continuous"}`, at once |
// | `cancel`                         | 200 with the name, or 404 |
// | it could not go on               | 500 with the reason, but 401, 403, 404 if a peer said so |
//
// A name identifies a job: to ask twice for the same continuous replication starts it once. Which jobs run is decided
// by `ReplicationScheduler`; this class performs what it says: begins sessions, ends them, reports how they ended.
//
// The subtle thing: everything that is known about jobs changes under one lock, which is held for decisions only. What
// has to be done is gathered meanwhile as effects and performed after it is let go.

public import Settle
public import SettleCore
import Synchronization

/// The running replications of a server.
public final class ReplicationJobs: Sendable {
    let folder: DatabaseFolder
    let serverUUID: String
    let clock: any JobClock
    let watches: DatabaseWatches
    private let state: Mutex<State>
    /// What runs outside the lock, for those who wait until it is over.
    private let tasks = Mutex<[Int: Task<Void, Never>]>([:])
    private let taskNumbers = Atomic<Int>(0)

    struct State {
        var scheduler: ReplicationScheduler
        var jobs: [ReplicationScheduler.JobID: JobEntry] = [:]
        var documents: [JobOrigin: DocumentEntry] = [:]
        var turns = 0
        /// What follows the replicator databases, by their names.
        var followers: [String: Task<Void, Never>] = [:]
        var folderListener: ListenerToken?
        var isShutDown = false
        /// When the timer wakes next, and what waits for that.
        var timer: (time: Int, task: Task<Void, Never>)?
        /// What is to be done once the lock is let go.
        var effects: [Effect] = []
    }

    /// Something to do outside the lock.
    enum Effect {
        case run(ReplicationScheduler.JobID, Replication)
        case stop(Replication)
        case resume(
            [CheckedContinuation<Result<ReplicationResult, SettleError>, Never>],
            Result<ReplicationResult, SettleError>
        )
        case mourn([CheckedContinuation<Void, Never>])
        case look(JobEntry)
        case forgetWatch(ReplicationScheduler.JobID)
        case write(ReplicatorDocument.Ending, into: JobOrigin, asking: ReplicationOptions?)
        case name(JobOrigin, turn: Int, after: Int?)
    }

    /// No replications yet, between databases of a folder and others behind URLs.
    ///
    /// - Parameters:
    ///   - folder: Where bare database names are looked up, and where replicator databases are.
    ///   - serverUUID: The server's name in the names of its replications.
    public convenience init(folder: DatabaseFolder, serverUUID: String) {
        self.init(folder: folder, serverUUID: serverUUID, clock: SystemJobClock())
    }

    init(folder: DatabaseFolder, serverUUID: String, clock: any JobClock) {
        self.folder = folder
        self.serverUUID = serverUUID
        self.clock = clock
        watches = DatabaseWatches(folder: folder)
        state = Mutex(State(scheduler: ReplicationScheduler(at: clock.now)))
        watches.listen { [weak self] jobs, kind in self?.databasesChanged(jobs, kind) }
    }

    /// Other limits and shares hold from now on.
    ///
    /// - Parameters:
    ///   - limits: How many jobs may run, and how they take turns.
    ///   - shares: Shares of those replicator databases that have not the usual hundred.
    package func configure(_ limits: ReplicationScheduler.Limits, shares: [String: Int]) {
        decide { state, now in
            perform(state.scheduler.configure(limits, shares: shares, at: now), &state)
        }
    }

    /// Changes what is known, then performs what follows from it.
    func decide<Answer>(_ body: (inout State, Int) -> Answer) -> Answer {
        let (answer, effects) = state.withLock { state in
            let answer = body(&state, clock.now)
            armTimer(&state)
            defer { state.effects = [] }
            return (answer, state.effects)
        }
        for effect in effects { perform(effect) }
        return answer
    }

    /// Looks at what is known.
    func look<Answer>(_ body: (borrowing State) -> Answer) -> Answer {
        state.withLock { body($0) }
    }

    /// Stops all replications, which note how far they came.
    public func shutdown() async {
        let (followers, sessions, listener) = decide { state, _ in
            state.isShutDown = true
            state.timer?.task.cancel()
            state.timer = nil
            for id in state.jobs.keys { state.jobs[id]?.ending = .shutdown }
            defer { state.folderListener = nil }
            return (
                Array(state.followers.values), state.jobs.values.compactMap(\.session), state.folderListener
            )
        }
        if let listener { folder.removeEventListener(listener) }
        for follower in followers { follower.cancel() }
        watches.shutdown()
        for session in sessions { session.stop() }
        for follower in followers { await follower.value }
        // Those that only wait for a time are cancelled; a session ends in an orderly way then, too.
        let running = tasks.withLock { Array($0.values) }
        for task in running { task.cancel() }
        for task in running { await task.value }
        decide { state, _ in (state.jobs, state.documents) = ([:], [:]) }
    }

    /// Does something beside everything else, which `shutdown` waits for.
    private func spawn(_ body: @escaping @Sendable () async -> Void) {
        let number = taskNumbers.add(1, ordering: .relaxed).newValue
        tasks.withLock { tasks in
            tasks[number] = Task {
                await body()
                self.tasks.withLock { _ = $0.removeValue(forKey: number) }
            }
        }
    }
}

// MARK: POST /_replicate

extension ReplicationJobs {
    /// Does what the body of `POST /_replicate` asks for.
    ///
    /// - Parameters:
    ///   - body: The request's body.
    ///   - user: Who asks.
    /// - Returns: The status and the body of the answer.
    /// - Throws: `badRequest` if the body makes no sense, `notFound` if there is nothing to cancel.
    public func replicate(
        body: JSONValue,
        user: String? = nil
    ) async throws(SettleError) -> (status: Int, body: JSONValue) {
        switch try ReplicationRequest(body) {
        case .cancel(let name):
            // Not inside the pair: Swift 6.3's optimizer loses what stands before a suspension in a tuple.
            let answer = try await cancel(name)
            return (200, answer)
        case .cancelSame(let options):
            let source = options.source.peer(in: folder, options)
            let name = try await ReplicationID(options, serverUUID: serverUUID, source: source)
            let answer = try await cancel(name.text)
            return (200, answer)
        case .start(let options):
            do throws(SettleError) {
                return try await start(options, user)
            } catch {
                let (status, name) = Self.answer(error)
                return (status, ["error": .string(name), "reason": .string(error.reason)])
            }
        }
    }

    /// Status and name under which CouchDB says that a replication could not go on.
    ///
    /// What a peer found wrong with a request is no fault of whoever asks for the replication.
    private static func answer(_ error: SettleError) -> (status: Int, name: String) {
        switch error.kind {
        case .unauthorized, .forbidden, .notFound: return (error.status, error.name)
        case .badRequest, .internalError: return (500, SettleError(.replicationFailed).name)
        default: return (max(error.status, 500), error.name)
        }
    }

    private func start(_ options: ReplicationOptions, _ user: String?) async throws(SettleError) -> (
        Int, JSONValue
    ) {
        let source = options.source.peer(in: folder, options)
        let name = try await ReplicationID(options, serverUUID: serverUUID, source: source)
        let definition = JobDefinition(
            name: name,
            options: options,
            origin: nil,
            user: user,
            startedAt: clock.now / 1_000
        )
        if options.isContinuous {
            decide { state, now in
                if state.jobs[name.text] == nil { add(definition, &state, at: now) }
            }
            return (202, ["ok": true, "_local_id": .string(name.text)])
        }
        let outcome = await withCheckedContinuation { waiter in
            decide { state, now in
                if state.jobs[name.text] == nil { add(definition, &state, at: now) }
                guard !state.isShutDown, state.jobs[name.text]?.waiters.append(waiter) != nil else {
                    state.effects.append(.resume([waiter], .failure(Self.cancelled)))
                    return
                }
            }
        }
        let result = try outcome.get()
        guard !result.wasStopped else { throw Self.cancelled }
        return (200, .object(JSONObject([("ok", true)] + result.answer.members.map { ($0.name, $0.value) })))
    }

    private static let cancelled = SettleError(.internalError, "The replication was cancelled.")

    private func cancel(_ name: String) async throws(SettleError) -> JSONValue {
        let id = look { state in state.jobs.keys.first { $0.utf8.elementsEqual(name.utf8) } }
        guard let id else { throw SettleError(.notFound) }
        await withCheckedContinuation { mourner in
            decide { state, now in
                guard state.jobs[id]?.mourners.append(mourner) != nil else {
                    state.effects.append(.mourn([mourner]))
                    return
                }
                cancel(id, &state, at: now)
            }
        }
        return ["ok": true, "_local_id": .string(id)]
    }
}

// MARK: Jobs on the list

extension ReplicationJobs {
    /// Puts a job on the list.
    func add(_ definition: JobDefinition, _ state: inout State, at now: Int) {
        guard !state.isShutDown else { return }
        state.jobs[definition.id] = JobEntry(definition)
        let isContinuous = definition.options.isContinuous
        let actions = state.scheduler.add(
            definition.id,
            group: definition.group,
            isContinuous: isContinuous,
            at: now
        )
        perform(actions, &state)
    }

    /// Takes a job off the list, as soon as its session has ended.
    func cancel(
        _ id: ReplicationScheduler.JobID,
        _ state: inout State,
        at now: Int,
        replacingBy successor: JobDefinition? = nil
    ) {
        guard let entry = state.jobs[id] else { return }
        state.jobs[id]?.successor = successor
        let isEnding = entry.ending == .idleness && entry.session == nil
        state.jobs[id]?.ending = .cancellation
        if let session = entry.session {
            state.effects.append(.stop(session))
        } else if !isEnding {
            drop(id, &state, at: now)
        }
    }

    /// Forgets a job that has no session any more.
    func drop(_ id: ReplicationScheduler.JobID, _ state: inout State, at now: Int) {
        guard let entry = state.jobs.removeValue(forKey: id) else { return }
        state.effects.append(.forgetWatch(id))
        state.effects.append(.mourn(entry.mourners))
        if !entry.waiters.isEmpty { state.effects.append(.resume(entry.waiters, .failure(Self.cancelled))) }
        perform(state.scheduler.remove(id, at: now), &state)
        if let successor = entry.successor { enlist(successor, &state, at: now) }
    }

    /// Carries out what the scheduler decided, as far as that happens under the lock.
    func perform(_ actions: [ReplicationScheduler.Action], _ state: inout State) {
        for action in actions {
            switch action {
            case .start(let id):
                guard let definition = state.jobs[id]?.definition, !state.isShutDown else { continue }
                let session = session(of: definition)
                state.jobs[id]?.session = session
                state.jobs[id]?.ending = nil
                state.effects.append(.run(id, session))
            case .stop(let id):
                guard let entry = state.jobs[id], let session = entry.session, entry.ending == nil else {
                    continue
                }
                state.jobs[id]?.ending = .rotation
                state.effects.append(.stop(session))
            case .look(let id):
                if let entry = state.jobs[id] { state.effects.append(.look(entry)) }
            }
        }
    }

    private func session(of definition: JobDefinition) -> Replication {
        let options = definition.options
        let id = definition.id
        return Replication(
            options,
            source: options.source.peer(in: folder, options),
            target: options.target.peer(in: folder, options),
            serverUUID: serverUUID,
            name: definition.name,
            survivesFailures: false,
            stateChanged: Replication.StateListener { [weak self] in self?.session(of: id, is: $0) }
        )
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .run(let id, let session):
            spawn {
                let outcome: Result<ReplicationResult, SettleError>
                do throws(SettleError) {
                    outcome = .success(try await session.run())
                } catch {
                    outcome = .failure(error)
                }
                self.ended(id, session, outcome)
            }
        case .stop(let session): session.stop()
        case .resume(let waiters, let result): for waiter in waiters { waiter.resume(returning: result) }
        case .mourn(let mourners): for mourner in mourners { mourner.resume() }
        case .look(let entry):
            spawn { self.looked(entry.definition.id, hasNews: await self.hasNews(entry)) }
        case .forgetWatch(let id): watches.forget(id)
        case .write(let ending, let origin, let options):
            spawn { await self.write(ending, into: origin, asking: options) }
        case .name(let origin, let turn, let time):
            spawn {
                if let time { await self.clock.wait(until: time) }
                await self.findName(origin, turn: turn)
            }
        }
    }

    private func ended(
        _ id: ReplicationScheduler.JobID,
        _ session: Replication,
        _ outcome: Result<ReplicationResult, SettleError>
    ) {
        decide { state, now in
            guard let entry = state.jobs[id], entry.session === session else { return }
            state.jobs[id]?.session = nil
            state.jobs[id]?.lastStatus = session.status
            state.jobs[id]?.known = session.known
            let definition = entry.definition
            switch (outcome, entry.ending) {
            case (_, .cancellation?): drop(id, &state, at: now)
            case (_, .shutdown?):
                if !entry.waiters.isEmpty {
                    state.effects.append(.resume(entry.waiters, .failure(Self.cancelled)))
                }
                state.jobs[id]?.waiters = []
            case (.success(let result), let ending) where result.wasStopped:
                if ending == .idleness, let entry = state.jobs[id] {
                    state.effects.append(.look(entry))
                } else {
                    perform(state.scheduler.stopped(id, at: now), &state)
                }
            case (.success(let result), _):
                state.effects.append(.resume(entry.waiters, .success(result)))
                state.jobs[id]?.waiters = []
                if let origin = definition.origin {
                    let statistics = session.status.documentStatistics(startedAt: definition.startedAt)
                    let ending = ReplicatorDocument.Ending.completed(statistics: statistics)
                    state.effects.append(.write(ending, into: origin, asking: definition.options))
                }
                drop(id, &state, at: now)
            case (.failure(let error), _):
                if definition.origin == nil, !definition.options.isContinuous {
                    state.effects.append(.resume(entry.waiters, .failure(error)))
                    state.jobs[id]?.waiters = []
                    drop(id, &state, at: now)
                } else {
                    state.jobs[id]?.ending = nil
                    perform(state.scheduler.crashed(id, error.description, at: now), &state)
                }
            }
        }
    }

    // MARK: Time

    private func armTimer(_ state: inout State) {
        guard !state.isShutDown, let time = state.scheduler.nextTick else {
            state.timer?.task.cancel()
            state.timer = nil
            return
        }
        if let timer = state.timer, timer.time <= time { return }
        state.timer?.task.cancel()
        let clock = clock
        let task = Task { [weak self] in
            await clock.wait(until: time)
            if !Task.isCancelled { self?.tick(time) }
        }
        state.timer = (time, task)
    }

    private func tick(_ time: Int) {
        decide { state, now in
            if state.timer?.time == time { state.timer = nil }
            perform(state.scheduler.tick(at: now), &state)
        }
    }
}

extension ReplicationStatus {
    /// What is written into the document of a job that is complete.
    fileprivate func documentStatistics(startedAt: Int) -> JSONObject {
        let time = JSONValue.string(HTTPDate.timestamp(unixSeconds: startedAt))
        return JSONObject(
            counts.filter { !["source_seq", "through_seq"].contains($0.0) } + [("start_time", time)]
        )
    }
}
