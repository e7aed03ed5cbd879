// Which replication jobs of a server run: thousands may be asked for, `max_jobs` run at a time.
//
//                    ┌──────── source has changed ─────────┐       ┌─ time for a look ─┐
//                    ▼                                     │       │                   │
//     add ──► pending ──start──► running ──idle, and its source can be watched──► watching ◄──┘
//                ▲  ▲               │ │ │
//                │  └──stopped──stopping└──completed──► gone
//                └──back-off──── crashed
//
// Events go in (a job crashed, time has passed), actions come out (start this, stop that); the clock is passed in, so
// that days of scheduling are tested in a millisecond. Every `interval` the jobs that ran longest make room for those
// that wait, `max_churn` of them at most; who comes first is decided by fair shares.
//
// What CouchDB does not have is `watching`. A continuous job with nothing to do costs a slot and a connection there,
// and is rotated with the others. Here it ends its session, keeps nothing but its place in this table, and comes back
// when somebody says that its source has changed. Where sources can't be watched it is rotated as in CouchDB. A job of which
// only the source is watched looks at its target now and then, whether it is still there.
//
// The subtle thing: a stop takes time, since the session notes how far it came. Until then the job has its slot, so
// that never more than `max_jobs` sessions run.

/// Decides which jobs run.
package struct ReplicationScheduler: Sendable {
    /// A replication's full name, such as `a168…+continuous`.
    package typealias JobID = String

    /// The limits, under CouchDB's names and with its values; times are milliseconds.
    package struct Limits: Hashable, Sendable {
        /// So many jobs run at a time.
        package var maximumJobs = 500
        /// So many jobs make room for others in one cycle.
        package var maximumChurn = 20
        /// So many events of a job are remembered.
        package var maximumHistory = 20
        /// The length of a cycle.
        package var interval = 60_000
        /// A job that ran so long without a crash is well again.
        package var healthThreshold = 120_000
        /// So often a job without a session looks at databases that nobody watches for it.
        package var lookInterval = 300_000

        /// CouchDB's.
        package init() {}
    }

    /// What a job is doing.
    package enum Phase: Hashable, Sendable {
        case pending
        case running
        /// Told to stop, to make room.
        case stopping
        /// Waits for its source to change, without a session.
        case watching
    }

    /// One job.
    package struct Job: Sendable {
        package let group: FairShares.Group
        package let isContinuous: Bool
        package fileprivate(set) var phase = Phase.pending
        package fileprivate(set) var history: JobHistory
        fileprivate var priority: Double
        /// Breaks ties: the order in which jobs began to wait.
        fileprivate var turn: Int
        /// Whether the source has changed since the job was told to make way.
        fileprivate var hasNews = false
        /// Whether what the job crashed for may be over, so that it need not wait any longer.
        fileprivate var mayRetryAtOnce = false

        fileprivate func mayStart(healthThreshold: Int) -> Int {
            mayRetryAtOnce ? 0 : history.mayStart(healthThreshold: healthThreshold)
        }
    }

    /// What the shell is to do.
    package enum Action: Hashable, Sendable {
        /// Begin a session.
        case start(JobID)
        /// End the session, and report `stopped`.
        case stop(JobID)
        /// See whether a job that watches has something to do, and report `sourceChanged` if so.
        case look(JobID)
    }

    package private(set) var limits: Limits
    package private(set) var jobs: [JobID: Job] = [:]
    package private(set) var shares = FairShares()
    /// How many jobs have a session.
    package private(set) var sessions = 0
    /// Those that wait for a slot, or for the end of their back-off.
    private var pending: Set<JobID> = []
    /// Those of them that may start, who is next last, as of the last sorting; some may be gone since.
    private var queue: [JobID] = []
    private var isQueueStale = true
    private var turns = 0
    private var lastCycle: Int
    /// Jobs that wait for the end of their back-off, at least; nobody needs to look before.
    private var earliestRetry = Int.max
    /// When each of those that are not fully watched looks next.
    private var looks: [JobID: Int] = [:]
    /// None of them looks before.
    private var earliestLook = Int.max

    /// No jobs yet.
    package init(_ limits: Limits = Limits(), at now: Int) {
        self.limits = limits
        lastCycle = now
    }
}

// MARK: Events

extension ReplicationScheduler {
    /// Adds a job, unless there is one of this name.
    package mutating func add(_ id: JobID, group: FairShares.Group, isContinuous: Bool, at now: Int)
        -> [Action]
    {
        guard jobs[id] == nil else { return [] }
        jobs[id] = Job(
            group: group,
            isContinuous: isContinuous,
            history: JobHistory(addedAt: now),
            priority: shares.added(to: group),
            turn: 0
        )
        wait(id)
        return fill(at: now)
    }

    /// Takes a job off the list because it is complete or nobody wants it any more; its session has ended.
    package mutating func remove(_ id: JobID, at now: Int) -> [Action] {
        guard let job = jobs.removeValue(forKey: id) else { return [] }
        shares.removed(from: job.group)
        pending.remove(id)
        looks[id] = nil
        if job.hasSession { sessions -= 1 }
        return fill(at: now)
    }

    /// A session ended as it was told to.
    package mutating func stopped(_ id: JobID, at now: Int) -> [Action] {
        guard jobs[id]?.hasSession == true else { return [] }
        sessions -= 1
        jobs[id]?.history.append(.stopped, at: now, limit: limits.maximumHistory)
        wait(id)
        return fill(at: now)
    }

    /// A session could not go on.
    package mutating func crashed(_ id: JobID, _ reason: String, at now: Int) -> [Action] {
        guard jobs[id]?.hasSession == true else { return [] }
        sessions -= 1
        jobs[id]?.history.append(.crashed(reason), at: now, limit: limits.maximumHistory)
        wait(id)
        return fill(at: now)
    }

    /// A session has ended because it had nothing to do, and somebody watches the source; `isFullyWatched`: the target, too.
    package mutating func wentIdle(_ id: JobID, at now: Int, isFullyWatched: Bool = true) -> [Action] {
        guard let job = jobs[id], job.hasSession else { return [] }
        sessions -= 1
        if job.hasNews {
            jobs[id]?.hasNews = false
            wait(id)
        } else {
            jobs[id]?.phase = .watching
            if !isFullyWatched { lookLater(id, at: now) }
        }
        return fill(at: now)
    }

    /// The source of a job has changed.
    package mutating func sourceChanged(_ id: JobID, at now: Int) -> [Action] {
        guard let job = jobs[id] else { return [] }
        switch job.phase {
        case .watching:
            wait(id)
            return fill(at: now)
        case .running, .stopping: jobs[id]?.hasNews = true
        case .pending: break
        }
        return []
    }

    /// One of a job's databases was made, which is news, and may be what the job has crashed for the lack of, or is about to.
    package mutating func databaseCreated(_ id: JobID, at now: Int) -> [Action] {
        guard let job = jobs[id] else { return [] }
        if job.phase != .watching { jobs[id]?.mayRetryAtOnce = true }
        if job.phase != .pending { return sourceChanged(id, at: now) }
        isQueueStale = true
        return fill(at: now)
    }

    /// The shell is about to end a session because it is idle: news counts from now on.
    package mutating func willGoIdle(_ id: JobID) {
        jobs[id]?.hasNews = false
    }

    /// Other limits and shares hold from now on.
    package mutating func configure(_ limits: Limits, shares: [FairShares.Group: Int], at now: Int)
        -> [Action]
    {
        self.limits = limits
        self.shares.shares = shares
        return stopExcess() + fill(at: now)
    }

    /// When `tick` has something to do next, in milliseconds since 1970; nil while all is quiet.
    package var nextTick: Int? {
        let isBusy = sessions > 0 || !pending.isEmpty
        let cycle = isBusy ? lastCycle + limits.interval : .max
        let retry = sessions < limits.maximumJobs ? earliestRetry : .max
        let next = min(cycle, retry, looks.isEmpty ? .max : earliestLook)
        return next < .max ? next : nil
    }

    /// Time has passed.
    package mutating func tick(at now: Int) -> [Action] {
        if now >= earliestRetry { isQueueStale = true }
        let looks = look(at: now)
        guard now - lastCycle >= limits.interval else { return looks + fill(at: now) }
        let length = now - lastCycle
        lastCycle = now
        charge(cycleOf: length, at: now)
        isQueueStale = true
        let stops = stopExcess()
        return looks + stops + rotate(atMost: limits.maximumChurn - stops.count, at: now) + fill(at: now)
    }
}

// MARK: Decisions

extension ReplicationScheduler {
    /// Notes who ran in the cycle that is over, and gives everybody a new priority.
    private mutating func charge(cycleOf length: Int, at now: Int) {
        var ran: [FairShares.Group: Int] = [:]
        for job in jobs.values where job.hasSession {
            ran[job.group, default: 0] += min(now - (job.history.startedAt ?? now), length)
        }
        shares.cycle(ran)
        for (id, job) in jobs {
            let charge = job.hasSession ? shares.charge(of: job.group) : 0
            jobs[id]?.priority = FairShares.decayed(job.priority) + charge
        }
    }

    /// Stops what is too much, continuous jobs first.
    private mutating func stopExcess() -> [Action] {
        let excess = running.count - limits.maximumJobs
        guard excess > 0 else { return [] }
        return stop(running.sorted(by: runsLonger).prefix(excess))
    }

    /// Stops those continuous jobs that ran longest, as many as others wait for a slot.
    private mutating func rotate(atMost churn: Int, at now: Int) -> [Action] {
        let waiting = pending.count { jobs[$0].map { isReady($0, at: now) } ?? false }
        let slots = limits.maximumJobs - sessions + stoppingCount
        let count = min(waiting - slots, churn)
        guard count > 0 else { return [] }
        let continuous = running.filter { jobs[$0]?.isContinuous == true }
        return stop(continuous.sorted(by: runsLonger).prefix(count))
    }

    private mutating func stop(_ ids: some Sequence<JobID>) -> [Action] {
        ids.map { id in
            jobs[id]?.phase = .stopping
            return .stop(id)
        }
    }

    private var running: [JobID] { jobs.filter { $0.value.phase == .running }.map(\.key) }
    private var stoppingCount: Int { jobs.values.count { $0.phase == .stopping } }

    private func runsLonger(_ left: JobID, _ right: JobID) -> Bool {
        guard let left = jobs[left], let right = jobs[right] else { return false }
        if left.isContinuous != right.isContinuous { return left.isContinuous }
        return (left.history.startedAt ?? 0, left.turn) < (right.history.startedAt ?? 0, right.turn)
    }

    private mutating func wait(_ id: JobID) {
        turns += 1
        jobs[id]?.phase = .pending
        jobs[id]?.turn = turns
        looks[id] = nil
        pending.insert(id)
        isQueueStale = true
    }

    private mutating func lookLater(_ id: JobID, at now: Int) {
        looks[id] = now + limits.lookInterval
        earliestLook = min(earliestLook, now + limits.lookInterval)
    }

    /// The looks that are due.
    private mutating func look(at now: Int) -> [Action] {
        guard !looks.isEmpty, now >= earliestLook else { return [] }
        let due = looks.filter { $0.value <= now }.keys.sorted()
        for id in due { looks[id] = now + limits.lookInterval }
        earliestLook = looks.values.min() ?? .max
        return due.map { .look($0) }
    }

    private func isReady(_ job: Job, at now: Int) -> Bool {
        job.phase == .pending && job.mayStart(healthThreshold: limits.healthThreshold) <= now
    }

    /// Starts those that wait while there are slots.
    private mutating func fill(at now: Int) -> [Action] {
        guard sessions < limits.maximumJobs else { return [] }
        if isQueueStale { sortQueue(at: now) }
        var actions: [Action] = []
        while sessions < limits.maximumJobs, let id = queue.popLast() {
            guard let job = jobs[id], isReady(job, at: now) else { continue }
            actions += start(id, at: now)
        }
        return actions
    }

    private mutating func sortQueue(at now: Int) {
        isQueueStale = false
        earliestRetry = .max
        var ready: [(id: JobID, job: Job)] = []
        for id in pending {
            guard let job = jobs[id] else { continue }
            let mayStart = job.mayStart(healthThreshold: limits.healthThreshold)
            if mayStart <= now {
                ready.append((id, job))
            } else {
                earliestRetry = min(earliestRetry, mayStart)
            }
        }
        ready.sort { left, right in
            let (leftStart, rightStart) = (left.job.history.startedAt ?? 0, right.job.history.startedAt ?? 0)
            return (left.job.priority, leftStart, left.job.turn) > (
                right.job.priority, rightStart, right.job.turn
            )
        }
        queue = ready.map(\.id)
    }

    private mutating func start(_ id: JobID, at now: Int) -> [Action] {
        sessions += 1
        pending.remove(id)
        jobs[id]?.phase = .running
        jobs[id]?.hasNews = false
        jobs[id]?.mayRetryAtOnce = false
        jobs[id]?.history.append(.started, at: now, limit: limits.maximumHistory)
        return [.start(id)]
    }
}

extension ReplicationScheduler.Job {
    /// Whether the job has a slot.
    package var hasSession: Bool { phase == .running || phase == .stopping }
}
