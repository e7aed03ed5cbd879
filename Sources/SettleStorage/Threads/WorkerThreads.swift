#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A few threads that run jobs in the order they came.
///
/// A commit waits for the disk, and Swift's own pool has one thread per core, none of which may wait. So
/// writers run here: ten thousand databases share four threads, and four of them may sync at once.
///
/// ```swift
/// WorkerThreads.shared.submit { database.drainQueue() }
/// WorkerThreads.shared.schedule(after: 0.05) { database.drainQueue() }    // the lock was taken: try again
/// ```
///
/// Jobs *start* in order; with several threads they may end in another. The threads are made when the first
/// job comes and live as long as the object.
package final class WorkerThreads: Sendable {
    /// The pool that all writers of the process share.
    package static let shared = WorkerThreads(count: 4)

    private let queue: JobQueue

    package init(count: Int) {
        queue = JobQueue(threadCount: count)
    }

    deinit {
        queue.finish()
    }

    /// Runs `job` when a thread is free and all jobs that came before have started.
    package func submit(_ job: @escaping @Sendable () -> Void) {
        queue.append(job)
    }

    /// Submits `job` after `seconds`.
    package func schedule(after seconds: Double, _ job: @escaping @Sendable () -> Void) {
        queue.append(job, at: Monitor.now + UInt64(max(0, seconds) * 1_000_000_000))
    }
}

/// The jobs of a pool, and the loop its threads run.
///
/// `@unchecked Sendable`: all variables are read and written under `monitor`.
private final class JobQueue: @unchecked Sendable {
    typealias Job = @Sendable () -> Void

    private let monitor = Monitor()
    private let threadCount: Int
    private var hasThreads = false
    private var isFinished = false
    /// Jobs in order; those before `head` have been taken.
    private var jobs: [Job?] = []
    private var head = 0
    /// Jobs for later, the earliest last.
    private var scheduled: [(deadline: UInt64, job: Job)] = []

    init(threadCount: Int) {
        self.threadCount = threadCount
    }

    func append(_ job: @escaping Job) {
        monitor.lock()
        startThreadsIfNeeded()
        jobs.append(job)
        monitor.wakeOne()
        monitor.unlock()
    }

    func append(_ job: @escaping Job, at deadline: UInt64) {
        monitor.lock()
        startThreadsIfNeeded()
        // Behind all that are due later, before all that are due sooner or at the same time.
        var low = 0
        var high = scheduled.count
        while low < high {
            let middle = (low + high) / 2
            if scheduled[middle].deadline > deadline { low = middle + 1 } else { high = middle }
        }
        scheduled.insert((deadline, job), at: low)
        if low == scheduled.count - 1 { monitor.wakeAll() }
        monitor.unlock()
    }

    /// Lets the threads end once the queue is empty; scheduled jobs are dropped.
    func finish() {
        monitor.lock()
        isFinished = true
        scheduled = []
        monitor.wakeAll()
        monitor.unlock()
    }

    private func run() {
        while let job = takeJob() { job() }
    }

    private func takeJob() -> Job? {
        monitor.lock()
        defer { monitor.unlock() }
        while true {
            moveDueJobs()
            if head < jobs.count {
                let job = jobs[head]
                jobs[head] = nil
                head += 1
                if head == jobs.count {
                    jobs.removeAll(keepingCapacity: true)
                    head = 0
                } else if head > 1024, head > jobs.count / 2 {
                    jobs.removeFirst(head)
                    head = 0
                }
                return job
            }
            if isFinished { return nil }
            if let earliest = scheduled.last {
                monitor.wait(until: earliest.deadline)
            } else {
                monitor.wait()
            }
        }
    }

    private func moveDueJobs() {
        guard !scheduled.isEmpty else { return }
        let now = Monitor.now
        while let earliest = scheduled.last, earliest.deadline <= now {
            scheduled.removeLast()
            jobs.append(earliest.job)
            monitor.wakeOne()
        }
    }

    private func startThreadsIfNeeded() {
        guard !hasThreads else { return }
        hasThreads = true
        for _ in 0..<threadCount { startThread() }
    }

    private func startThread() {
        // The new thread takes over this reference.
        let context = unsafe Unmanaged.passRetained(self).toOpaque()
        #if canImport(Glibc)
        var thread = pthread_t()
        let code = unsafe pthread_create(&thread, nil, { unsafe JobQueue.run($0) }, context)
        precondition(code == 0, "The system refuses another thread.")
        pthread_detach(thread)
        #else
        // Parsers recurse to a bounded depth, which the small stacks of these systems don't hold.
        var attributes = pthread_attr_t()
        unsafe pthread_attr_init(&attributes)
        unsafe pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
        unsafe pthread_attr_setstacksize(&attributes, 8 << 20)
        var thread: pthread_t?
        let code = unsafe pthread_create(&thread, &attributes, { unsafe JobQueue.run($0) }, context)
        unsafe pthread_attr_destroy(&attributes)
        precondition(code == 0, "The system refuses another thread.")
        #endif
    }

    private static func run(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let context = unsafe context else { return nil }
        unsafe Unmanaged<JobQueue>.fromOpaque(context).takeRetainedValue().run()
        return nil
    }
}
