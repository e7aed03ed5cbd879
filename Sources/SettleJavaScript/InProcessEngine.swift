#if JavaScript
public import SettleCore

// Functions in this process: for programs that embed Settle, and for tests.
//
// What a function may do to the process is bounded by its time alone: one that takes memory takes the process's. The
// server runs functions in worker processes instead.

extension DesignFunctions {
    /// JavaScript on threads of this process, which start when they are needed.
    ///
    /// A function is stopped after five seconds for one document; nothing bounds the memory that it takes.
    ///
    /// - Parameters:
    ///   - threadCount: How many functions run at once, at most.
    ///   - log: Takes what functions log, on any thread.
    /// - Returns: What ``StoreOptions/functions`` takes.
    public static func javaScript(
        threadCount: Int = 2,
        log: @escaping @Sendable (String) -> Void = { _ in }
    ) -> DesignFunctions {
        DesignFunctions(InProcessEngine(threadCount: threadCount, log: log))
    }
}

/// Runs design documents' functions on threads of this process.
package final class InProcessEngine: ThreadedEngine {
    package let threads: EngineThreads

    /// An engine that has as many threads as `threadCount` says, and hands what functions log to `log`.
    package init(threadCount: Int = 2, log: @escaping @Sendable (String) -> Void = { _ in }) {
        let sink = LogSink(log)
        threads = EngineThreads(count: threadCount, idleSeconds: 60) { InProcessExecutor(log: sink) }
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
