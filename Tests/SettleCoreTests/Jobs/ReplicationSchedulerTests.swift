import SettleCore
import SettleTestSupport
import Testing

@Suite("The scheduler of replication jobs")
struct ReplicationSchedulerTests {
    private func scheduler(jobs maximum: Int, churn: Int = 20) -> ReplicationScheduler {
        var limits = ReplicationScheduler.Limits()
        (limits.maximumJobs, limits.maximumChurn) = (maximum, churn)
        return ReplicationScheduler(limits, at: 0)
    }

    @Test("starts what fits, and the next when a job is complete")
    func slots() {
        var scheduler = scheduler(jobs: 2)
        #expect(scheduler.add("a", group: "g", isContinuous: false, at: 0) == [.start("a")])
        #expect(scheduler.add("b", group: "g", isContinuous: false, at: 1) == [.start("b")])
        #expect(scheduler.add("c", group: "g", isContinuous: false, at: 2) == [])
        #expect(scheduler.add("a", group: "g", isContinuous: false, at: 3) == [])
        #expect(scheduler.jobs["c"]?.phase == .pending)
        #expect(scheduler.remove("a", at: 4) == [.start("c")])
        #expect(scheduler.sessions == 2)
    }

    @Test(
        "starts a job that crashed after 30 s, then after twice as long each time, and forgets it after two minutes"
    )
    func backoff() {
        var scheduler = scheduler(jobs: 1)
        var now = 0
        #expect(scheduler.add("a", group: "g", isContinuous: true, at: now) == [.start("a")])
        for crash in 0..<14 {
            now += 1_000
            #expect(scheduler.crashed("a", "no answer", at: now) == [])
            let wait = 30_000 << min(crash, 9)
            #expect(scheduler.nextTick.map { $0 <= now + wait } == true)
            #expect(scheduler.tick(at: now + wait - 1) == [])
            now += wait
            #expect(scheduler.tick(at: now) == [.start("a")])
        }
        now += 120_001
        #expect(scheduler.crashed("a", "no answer", at: now) == [])
        #expect(scheduler.jobs["a"]?.history.consecutiveCrashes(healthThreshold: 120_000) == 0)
        #expect(scheduler.tick(at: now + 30_000) == [.start("a")])
        #expect(scheduler.jobs["a"]?.history.events.count == 20)
    }

    @Test("makes room for those that wait, longest running first, but not for those that back off")
    func rotation() {
        var scheduler = scheduler(jobs: 3, churn: 2)
        for (time, id) in ["a", "b", "c", "d", "e"].enumerated() {
            _ = scheduler.add(id, group: "g", isContinuous: id != "a", at: time)
        }
        #expect(scheduler.tick(at: 59_999) == [])
        #expect(scheduler.tick(at: 60_000) == [.stop("b"), .stop("c")])
        #expect(scheduler.jobs["b"]?.phase == .stopping)
        #expect(scheduler.stopped("b", at: 60_100) == [.start("d")])
        #expect(scheduler.stopped("c", at: 60_200) == [.start("e")])
        #expect(scheduler.jobs["b"]?.history.events.map(\.kind) == [.stopped, .started, .added])
        #expect(scheduler.crashed("d", "x", at: 100_000) == [.start("b")])
        #expect(scheduler.tick(at: 120_000) == [.stop("e")])
    }

    @Test("lets a job without anything to do watch its source, which costs no slot and no time")
    func watching() {
        var scheduler = scheduler(jobs: 1)
        _ = scheduler.add("a", group: "g", isContinuous: true, at: 0)
        _ = scheduler.add("b", group: "g", isContinuous: true, at: 0)
        #expect(scheduler.wentIdle("a", at: 10) == [.start("b")])
        #expect(scheduler.wentIdle("b", at: 20) == [])
        #expect(scheduler.nextTick == nil)
        #expect(scheduler.sourceChanged("b", at: 30) == [.start("b")])
        // News that comes while the session ends is not lost.
        scheduler.willGoIdle("b")
        #expect(scheduler.sourceChanged("b", at: 40) == [])
        #expect(scheduler.wentIdle("b", at: 50) == [.start("b")])
        #expect(scheduler.sourceChanged("none", at: 60) == [])
    }

    @Test("lets a job look at what nobody watches for it, now and then, until it runs again")
    func looking() {
        var scheduler = scheduler(jobs: 2)
        _ = scheduler.add("a", group: "g", isContinuous: true, at: 0)
        _ = scheduler.add("b", group: "g", isContinuous: true, at: 0)
        #expect(scheduler.wentIdle("a", at: 10, isFullyWatched: false) == [])
        #expect(scheduler.wentIdle("b", at: 20) == [])
        #expect(scheduler.nextTick == 300_010)
        #expect(scheduler.tick(at: 300_009) == [])
        #expect(scheduler.tick(at: 300_010) == [.look("a")])
        #expect(scheduler.nextTick == 600_010)
        #expect(scheduler.jobs["a"]?.phase == .watching)
        #expect(scheduler.tick(at: 600_010) == [.look("a")])
        #expect(scheduler.sourceChanged("a", at: 600_020) == [.start("a")])
        #expect(scheduler.wentIdle("a", at: 600_030) == [])
        #expect(scheduler.nextTick == nil)
    }

    @Test("starts a job that crashed as soon as one of its databases is made, once")
    func creation() {
        var scheduler = scheduler(jobs: 1)
        _ = scheduler.add("a", group: "g", isContinuous: true, at: 0)
        #expect(scheduler.crashed("a", "db_not_found", at: 10) == [])
        #expect(scheduler.sourceChanged("a", at: 20) == [])
        #expect(scheduler.databaseCreated("a", at: 30) == [.start("a")])
        #expect(scheduler.crashed("a", "db_not_found", at: 40) == [])
        #expect(scheduler.tick(at: 60_039) == [])
        #expect(scheduler.tick(at: 60_040) == [.start("a")])
        // It was made while the job was about to find out that it is not there.
        #expect(scheduler.databaseCreated("a", at: 60_041) == [])
        #expect(scheduler.crashed("a", "db_not_found", at: 60_042) == [.start("a")])
        #expect(scheduler.databaseCreated("a", at: 60_043) == [])
        scheduler.willGoIdle("a")
        #expect(scheduler.wentIdle("a", at: 60_050) == [])
        #expect(scheduler.databaseCreated("a", at: 60_060) == [.start("a")])
        #expect(scheduler.databaseCreated("none", at: 60_070) == [])
    }

    @Test("stops what is too much when it may run fewer")
    func fewer() {
        var scheduler = scheduler(jobs: 3)
        for id in ["a", "b", "c"] { _ = scheduler.add(id, group: "g", isContinuous: id != "b", at: 0) }
        var limits = ReplicationScheduler.Limits()
        limits.maximumJobs = 1
        let actions = scheduler.configure(limits, shares: [:], at: 5)
        #expect(Set(actions) == [.stop("a"), .stop("c")])
        #expect(scheduler.configure(limits, shares: [:], at: 6) == [])
        #expect(scheduler.stopped("a", at: 7) == [])
        #expect(scheduler.stopped("c", at: 8) == [])
        #expect(scheduler.sessions == 1)
    }

    @Test(
        "never runs more than it may, and everybody in the end, whatever happens",
        arguments: UInt64(1)...12
    )
    func laws(seed: UInt64) {
        var world = SchedulerWorld(seed: seed)
        for _ in 0..<250 { world.step() }
        world.calm()
        #expect(world.problems == [], "seed \(seed)")
    }

    @Test("gives groups of jobs their shares of the time, however many jobs they have")
    func fairShares() {
        var limits = ReplicationScheduler.Limits()
        limits.maximumJobs = 8
        var scheduler = ReplicationScheduler(limits, at: 0)
        _ = scheduler.configure(limits, shares: ["c": 200], at: 0)
        var actions: [ReplicationScheduler.Action] = []
        for number in 0..<90 {
            let group = number < 60 ? "a" : number < 75 ? "b" : "c"
            actions += scheduler.add("\(group)\(number)", group: group, isContinuous: true, at: 0)
        }
        var time: [String: Int] = [:]
        for cycle in 1...200 {
            let now = cycle * 60_000
            for job in scheduler.jobs.values where job.hasSession { time[job.group, default: 0] += 1 }
            actions = scheduler.tick(at: now)
            for case .stop(let id) in actions { _ = scheduler.stopped(id, at: now) }
        }
        let (a, b, c) = (time["a"] ?? 0, time["b"] ?? 0, time["c"] ?? 0)
        #expect(a + b + c == 200 * 8)
        // Equal shares, nearly equal times, though one group has four times as many jobs; double shares, more time.
        #expect(Double(a) / Double(b) < 2 && Double(b) / Double(a) < 2, "\(time)")
        #expect(c > a && c > b, "\(time)")
    }
}

/// A scheduler among jobs that crash, complete, are added and removed at random, with a clock of its own.
private struct SchedulerWorld {
    private var random: SeededGenerator
    private var scheduler: ReplicationScheduler
    private var now = 0
    private var running: Set<String> = []
    private var stopping: Set<String> = []
    private var next = 0
    private let maximum: Int
    private(set) var problems: [String] = []

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        maximum = Int.random(in: 1...8, using: &random)
        var limits = ReplicationScheduler.Limits()
        limits.maximumJobs = maximum
        limits.maximumChurn = Int.random(in: 1...8, using: &random)
        scheduler = ReplicationScheduler(limits, at: 0)
    }

    mutating func step() {
        now += Int.random(in: 0...40_000, using: &random)
        switch Int.random(in: 0..<12, using: &random) {
        case 0, 1:
            next += 1
            let group = "g\(next % 3)"
            perform(scheduler.add("job\(next)", group: group, isContinuous: next % 4 > 0, at: now))
        case 2:
            if let id = pick(running) { ended(id) { $0.crashed(id, "seed", at: $1) } }
        case 3:
            if let id = pick(running), scheduler.jobs[id]?.isContinuous == false {
                ended(id) { $0.remove(id, at: $1) }
            }
        case 4, 5:
            if let id = pick(running), scheduler.jobs[id]?.isContinuous == true {
                scheduler.willGoIdle(id)
                let isWatched = Bool.random(using: &random)
                ended(id) { $0.wentIdle(id, at: $1, isFullyWatched: isWatched) }
            }
        case 6, 7:
            if let id = pick(Set(scheduler.jobs.keys)) {
                let isNew = Int.random(in: 0..<4, using: &random) == 0
                perform(isNew ? scheduler.databaseCreated(id, at: now) : scheduler.sourceChanged(id, at: now))
            }
        case 8, 9:
            if let id = pick(stopping) { ended(id) { $0.stopped(id, at: $1) } }
        default: perform(scheduler.tick(at: now))
        }
        check()
    }

    /// Nothing happens any more but the time: every job that waits must run.
    mutating func calm() {
        var waiting = Set(scheduler.jobs.filter { $0.value.phase == .pending }.keys)
        // Eight hours of back-off, and then as many cycles as it takes.
        for _ in 0..<2_000 where !waiting.isEmpty {
            now += 60_000
            perform(scheduler.tick(at: now))
            for id in stopping { ended(id) { $0.stopped(id, at: $1) } }
            for id in running where scheduler.jobs[id]?.isContinuous == false {
                ended(id) { $0.remove(id, at: $1) }
                waiting.remove(id)
            }
            waiting.subtract(running)
            check()
        }
        if !waiting.isEmpty { problems.append("\(waiting.count) never ran: \(waiting)") }
    }

    private mutating func ended(
        _ id: String,
        _ event: (inout ReplicationScheduler, Int) -> [ReplicationScheduler.Action]
    ) {
        running.remove(id)
        stopping.remove(id)
        perform(event(&scheduler, now))
    }

    private mutating func perform(_ actions: [ReplicationScheduler.Action]) {
        for action in actions {
            switch action {
            case .start(let id):
                if running.contains(id) || stopping.contains(id) { problems.append("\(id) started twice") }
                running.insert(id)
            case .stop(let id):
                if running.remove(id) == nil { problems.append("\(id) stopped while it did not run") }
                stopping.insert(id)
            case .look(let id):
                if scheduler.jobs[id]?.phase != .watching {
                    problems.append("\(id) looks while it does not watch")
                }
            }
        }
    }

    private mutating func check() {
        let count = running.count + stopping.count
        if count > maximum { problems.append("\(count) sessions, \(maximum) may be") }
        if count != scheduler.sessions {
            problems.append("\(count) sessions, counted as \(scheduler.sessions)")
        }
    }

    private mutating func pick(_ ids: Set<String>) -> String? {
        ids.sorted().randomElement(using: &random)
    }
}
