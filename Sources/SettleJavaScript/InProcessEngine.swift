#if JavaScript
package import SettleCore

// Functions in this process: for programs that embed Settle, and for tests.
//
// What a function may do to the process is bounded by its time alone: one that takes memory takes the process's. The
// server runs functions in worker processes instead.

/// Runs design documents' functions on threads of this process.
public final class InProcessEngine: Sendable {
    private let threads: EngineThreads

    /// An engine whose threads start when they are needed.
    ///
    /// It has as many threads as `threadCount` says, and hands what functions log to `log`, on any of them.
    public init(threadCount: Int = 2, log: @escaping @Sendable (String) -> Void = { _ in }) {
        let sink = LogSink(log)
        threads = EngineThreads(count: threadCount, idleSeconds: 60) { InProcessExecutor(log: sink) }
    }
}

extension InProcessEngine: FunctionEngine {
    package func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8] {
        try threads.answer(request, of: program, limits: limits)
    }

    package func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8] {
        try await threads.answerInBackground(request, of: program, limits: limits)
    }
}

/// Where the lines go that functions log.
struct LogSink: Sendable {
    let write: @Sendable (String) -> Void

    init(_ write: @escaping @Sendable (String) -> Void) { self.write = write }
}

private final class InProcessExecutor: FunctionExecutor {
    private var interpreter = Interpreter()
    private let log: LogSink

    init(log: LogSink) { self.log = log }

    func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8] {
        if interpreter.isSpent { interpreter = Interpreter() }
        try interpreter.add(program)
        let answer = try interpreter.answer(request, of: program.identifier, limits: limits, log: log.write)
        guard let answer else { throw .functionsBroke }
        return answer
    }
}
#endif
