// Requests whose outcome is a value, so that several can be awaited at once.

import SettleCore

/// The outcome of a request as a value; a failure says how long it took.
func attempt<Answer: Sendable>(
    _ request: () async throws(PeerFailure) -> Answer
) async -> Result<Answer, PeerFailure> {
    let start = ContinuousClock.now
    do throws(PeerFailure) {
        return .success(try await request())
    } catch {
        var failure = error
        failure.elapsed = ContinuousClock.now - start
        return .failure(failure)
    }
}

/// The same for the requests with which a replication begins, made again as those in its course are.
///
/// A peer that cannot be reached at all, twice in a row, is most likely a wrong address: before anything was copied that is
/// told at once.
func attempt<Answer: Sendable>(
    retrying retries: Int,
    _ request: () async throws(PeerFailure) -> Answer
) async -> Result<Answer, PeerFailure> {
    var retry = RetryCount()
    while true {
        let result = await attempt(request)
        guard case .failure(let failure) = result, failure.kind != .malformedAnswer,
            let delay = retry.delay(after: failure, retries: failure.kind == .unreachable ? 1 : retries),
            await Waiting.current(delay)
        else { return result }
    }
}
