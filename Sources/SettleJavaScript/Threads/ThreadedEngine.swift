#if JavaScript
package import SettleCore

/// An engine that answers on threads of its own.
package protocol ThreadedEngine: FunctionEngine {
    var threads: EngineThreads { get }
}

extension ThreadedEngine {
    package func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8] {
        let reply = Reply()
        threads.append(Question(request: request, program: program, limits: limits) { reply.set($0) })
        return try reply.wait().get()
    }

    package func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8] {
        let result = await withCheckedContinuation { continuation in
            threads.append(
                Question(request: request, program: program, limits: limits) {
                    continuation.resume(returning: $0)
                }
            )
        }
        return try result.get()
    }
}
#endif
