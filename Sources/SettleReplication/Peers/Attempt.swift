// Requests whose outcome is a value, so that several can be awaited at once.

import SettleCore

/// The outcome of a request as a value.
func attempt<Answer: Sendable>(
    _ request: () async throws(PeerFailure) -> Answer
) async -> Result<Answer, PeerFailure> {
    do throws(PeerFailure) {
        return .success(try await request())
    } catch {
        return .failure(error)
    }
}

/// The same for the requests with which a replication begins, made again while the peer is too busy.
///
/// A peer that does not answer at all is most likely a wrong address: before anything was copied that is told at once.
func attempt<Answer: Sendable>(
    retrying retries: Int,
    _ request: () async throws(PeerFailure) -> Answer
) async -> Result<Answer, PeerFailure> {
    var attempts = 0
    while true {
        let result = await attempt(request)
        guard case .failure(let failure) = result, attempts < retries,
            failure.status == 429 || failure.isTransient && failure.status != nil,
            (try? await Task.sleep(for: RetryDelay.afterFailure(attempts))) != nil
        else { return result }
        attempts += 1
    }
}
