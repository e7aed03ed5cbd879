/// Runs the functions of design documents, wherever they run: in this process or in a worker's.
///
/// An engine is a question-and-answer machine: it takes one request about one program and gives one answer, both JSON
/// text, so that the same words pass a pipe to a worker process. The typed questions (map these documents, may this
/// document be written) are made from requests in this folder, and know nothing of who answers.
package protocol FunctionEngine: AnyObject, Sendable {
    /// Answers one request of `program`, whose functions are compiled when the engine first meets it.
    ///
    /// Blocks until the answer is there or its time is over: never call it on an event loop or one of the concurrency
    /// runtime's threads, use ``answerInBackground(_:of:limits:)``.
    ///
    /// - Throws: what the function's failure is for its caller: a compilation error, a time-out, a lost worker. What a
    ///   function itself throws (a document refused, a mapped document that fails) is part of an answer.
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

/// What one request may cost.
package struct FunctionLimits: Sendable, Hashable {
    /// Seconds of a function's running before it is stopped.
    package var seconds: Double

    package init(seconds: Double = 5) {
        self.seconds = seconds
    }
}

/// What an engine compiles: one design document's functions, or the ad-hoc functions of one question.
package struct FunctionProgram: Sendable, Hashable {
    /// The design document's JSON text, canonical; `require` walks it and functions are looked up in it.
    package let text: [UInt8]

    package init(text: [UInt8]) {
        self.text = text
    }
}
