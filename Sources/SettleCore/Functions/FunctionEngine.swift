/// Runs the functions of design documents, wherever they run: in this process or in a worker's.
///
/// An engine is a question-and-answer machine: it takes one request about one program and gives one answer, both JSON
/// text, so that the same words pass a pipe to a worker process. The typed questions (map these documents, may this
/// document be written) are made from requests in this folder, and know nothing of who answers:
///
///     let bools = try engine.ask(.filter("big", documents: texts, request: request), of: program)
///     let bools = try await engine.askInBackground(…)        // where threads must not wait
package protocol FunctionEngine: AnyObject, Sendable {
    /// Answers one request of `program`, whose functions are compiled when the engine first needs them.
    ///
    /// Blocks until the answer is there or its time is over: never call it on an event loop or one of the concurrency
    /// runtime's threads, use ``answerInBackground(_:of:limits:)``.
    ///
    /// - Returns: JSON text; an object `{"error":…,"reason":…}` if a function's failure is the answer.
    /// - Throws: what kept the engine from answering: time is over, memory is used up, a worker is lost.
    func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8]

    /// The same, on a thread of the engine's own.
    func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8]
}

extension FunctionEngine {
    /// Asks and waits: not on an event loop, nor on one of the concurrency runtime's threads.
    package func ask<Answer>(
        _ question: FunctionQuestion<Answer>,
        of program: FunctionProgram,
        limits: FunctionLimits = FunctionLimits()
    ) throws(SettleError) -> Answer {
        try question.read(answer: try answer(question.request, of: program, limits: limits))
    }

    /// Asks from anywhere.
    package func askInBackground<Answer>(
        _ question: FunctionQuestion<Answer>,
        of program: FunctionProgram,
        limits: FunctionLimits = FunctionLimits()
    ) async throws(SettleError) -> Answer {
        let answer = try await answerInBackground(question.request, of: program, limits: limits)
        return try question.read(answer: answer)
    }
}

extension SettleError {
    /// A function ran for longer than its limit; to CouchDB it is a process of the operating system.
    package static let functionsTookTooLong = SettleError(
        function: "os_process_error",
        reason: "OS process timed out."
    )
}

/// What one request may cost.
package struct FunctionLimits: Sendable, Hashable {
    /// Seconds of processor time that the functions may run for one document (one node, one request) before they are
    /// stopped; CouchDB's `os_process_timeout`.
    package var seconds: Double

    package init(seconds: Double = 5) {
        self.seconds = seconds
    }
}
