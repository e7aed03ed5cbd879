import SettleStorage
import Synchronization
import Testing

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

@Suite("Worker threads")
struct WorkerThreadsTests {
    /// Numbers that jobs leave behind.
    private final class Log: Sendable {
        private let numbers = Mutex<[Int]>([])

        func note(_ number: Int) { numbers.withLock { $0.append(number) } }

        func waitFor(_ count: Int) async throws -> [Int] {
            while true {
                let now = numbers.withLock { $0 }
                if now.count >= count { return now }
                try await Task.sleep(for: .milliseconds(1))
            }
        }
    }

    private final class Counter: Sendable {
        private let count = Atomic<Int>(0)

        func arrive() { count.add(1, ordering: .relaxed) }

        var value: Int { count.load(ordering: .relaxed) }
    }

    @Test("one thread runs jobs in the order they came", .timeLimit(.minutes(1)))
    func order() async throws {
        let workers = WorkerThreads(count: 1)
        let log = Log()
        for number in 0..<5000 { workers.submit { log.note(number) } }
        #expect(try await log.waitFor(5000) == Array(0..<5000))
    }

    @Test("as many jobs run at once as there are threads", .timeLimit(.minutes(1)))
    func parallel() async throws {
        let workers = WorkerThreads(count: 4)
        let log = Log()
        let counter = Counter()
        for number in 0..<4 {
            // None of them ends before all have begun.
            workers.submit {
                counter.arrive()
                while counter.value < 4 { sched_yield() }
                log.note(number)
            }
        }
        #expect(try await log.waitFor(4).sorted() == [0, 1, 2, 3])
    }

    @Test("a job may submit another, to its own pool", .timeLimit(.minutes(1)))
    func nested() async throws {
        let workers = WorkerThreads(count: 1)
        let log = Log()
        workers.submit {
            workers.submit { log.note(2) }
            log.note(1)
        }
        #expect(try await log.waitFor(2) == [1, 2])
    }

    @Test(
        "scheduled jobs run in the order of their times, those of one time in the order they came",
        .timeLimit(.minutes(1))
    )
    func scheduled() async throws {
        let workers = WorkerThreads(count: 1)
        let log = Log()
        workers.schedule(after: 0.2) { log.note(3) }
        workers.schedule(after: 0.1) { log.note(2) }
        workers.schedule(after: 0.3) { log.note(4) }
        workers.schedule(after: 0) { log.note(1) }
        #expect(try await log.waitFor(4) == [1, 2, 3, 4])
    }

    @Test("jobs submitted before the pool goes away still run", .timeLimit(.minutes(1)))
    func deinitialised() async throws {
        let log = Log()
        do {
            let workers = WorkerThreads(count: 2)
            for number in 0..<100 { workers.submit { log.note(number) } }
        }
        #expect(try await log.waitFor(100).count == 100)
    }

    @Test("the shared pool runs jobs", .timeLimit(.minutes(1)))
    func shared() async throws {
        let log = Log()
        WorkerThreads.shared.submit { log.note(1) }
        #expect(try await log.waitFor(1) == [1])
    }
}
