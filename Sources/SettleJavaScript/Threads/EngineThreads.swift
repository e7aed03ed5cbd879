#if JavaScript
import Dispatch
import SettleCore
import Synchronization

// The threads of an engine: each has an executor (an interpreter, a worker process) that nobody else touches.
//
// A thread is started when a question comes and no thread is idle, up to a number; it ends when it has had nothing to do
// for a while, and its executor with it, so that an idle server has neither.

/// Answers one question after the other.
protocol FunctionExecutor: AnyObject {
    func answer(_ request: [UInt8], of program: FunctionProgram, limits: FunctionLimits) throws(SettleError)
        -> [UInt8]
}

/// A queue of questions, and the threads that take from it.
package final class EngineThreads: Sendable {
    private let queue: QuestionQueue

    /// The threads of an engine; `make` makes an executor, on the thread that will use it.
    init(count: Int, idleSeconds: Double, make: @escaping @Sendable () -> any FunctionExecutor) {
        queue = QuestionQueue(threadLimit: max(1, count), idleSeconds: idleSeconds, make: make)
    }

    deinit { queue.close() }

    /// Refuses what has not been begun, and lets the threads end.
    func close() { queue.close() }

    /// How many threads there are.
    var threadCount: Int { queue.threadCount }

    func append(_ question: Question) { queue.append(question) }
}

/// A question, and who waits for its answer.
struct Question: Sendable {
    let request: [UInt8]
    let program: FunctionProgram
    let limits: FunctionLimits
    let completion: @Sendable (Result<[UInt8], SettleError>) -> Void
}

/// An answer that one thread waits for.
final class Reply: Sendable {
    private let isSet = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<[UInt8], SettleError>>(.failure(.engineIsClosed))

    func set(_ result: Result<[UInt8], SettleError>) {
        self.result.withLock { $0 = result }
        isSet.signal()
    }

    func wait() -> Result<[UInt8], SettleError> {
        isSet.wait()
        return result.withLock { $0 }
    }
}

private final class QuestionQueue: Sendable {
    private struct State {
        var waiting: [Question] = []
        var threads = 0
        var idle = 0
        var isClosed = false
    }

    private enum Step {
        case answer(Question)
        case wait, end
    }

    private let threadLimit: Int
    private let idleSeconds: Double
    private let make: @Sendable () -> any FunctionExecutor
    private let state = Mutex(State())
    /// Signalled once for each question, and for each thread when the queue is closed.
    private let arrivals = DispatchSemaphore(value: 0)

    init(threadLimit: Int, idleSeconds: Double, make: @escaping @Sendable () -> any FunctionExecutor) {
        self.threadLimit = threadLimit
        self.idleSeconds = idleSeconds
        self.make = make
    }

    var threadCount: Int { state.withLock { $0.threads } }

    func append(_ question: Question) {
        let starts: Bool? = state.withLock { state in
            guard !state.isClosed else { return nil }
            state.waiting.append(question)
            guard state.waiting.count > state.idle, state.threads < threadLimit else { return false }
            state.threads += 1
            return true
        }
        guard let starts else { return question.completion(.failure(.engineIsClosed)) }
        if starts { start() }
        arrivals.signal()
    }

    func close() {
        let (refused, threads) = state.withLock { state in
            state.isClosed = true
            defer { state.waiting = [] }
            return (state.waiting, state.threads)
        }
        for question in refused { question.completion(.failure(.engineIsClosed)) }
        for _ in 0..<threads { arrivals.signal() }
    }

    private func run() {
        let executor = make()
        while true {
            switch next(mayEnd: false) {
            case .answer(let question):
                let result = Result { () throws(SettleError) in
                    try executor.answer(question.request, of: question.program, limits: question.limits)
                }
                question.completion(result)
            case .wait:
                let isInTime = arrivals.wait(timeout: .now() + idleSeconds) == .success
                state.withLock { $0.idle -= 1 }
                // A question that came at the last moment is taken by whoever is awake.
                if !isInTime, case .end = next(mayEnd: true) { return }
            case .end: return
            }
        }
    }

    /// What a thread does now; one that may end does, unless there is a question.
    private func next(mayEnd: Bool) -> Step {
        state.withLock { state in
            if mayEnd ? state.waiting.isEmpty : state.isClosed {
                state.threads -= 1
                return .end
            }
            guard !mayEnd, let question = state.waiting.first else {
                if !mayEnd { state.idle += 1 }
                return .wait
            }
            state.waiting.removeFirst()
            return .answer(question)
        }
    }

    private func start() {
        // JavaScript recurses until the library finds the stack too small, and JSON is read recursively.
        startThread(stackSize: 16 << 20) { self.run() }
    }
}
#endif
