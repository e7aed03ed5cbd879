// Whether a request that failed is made again, and how long that waits: one rule for everything a replication asks.
//
// | what happened      | what follows                                                                          |
// |--------------------|---------------------------------------------------------------------------------------|
// | 429                | the same again, ever slower: 20 ms, × 1.2, until that would be 25 s; then no more     |
// | no answer, 408,5xx | the same again after 250 ms, 500 ms, … at most five minutes; as often as the option   |
// |                    | `retries_per_request` says, and no longer than a minute after the first failure       |
// | a senseless answer | the same again twice, for it may have been cut short                                  |
//
// The numbers are CouchDB's. A peer that says how long to wait (`Retry-After`) is listened to, for five minutes at most,
// and that wait does not count: a peer that is there and asks for patience is not a peer that is gone.

/// How often, and for how long, one request has failed.
package struct RetryCount: Hashable, Sendable {
    /// How long after its first failure a request is still made again: half of CouchDB's default `health_threshold`.
    package static let patience = Duration.seconds(60)
    /// The longest wait that a peer may ask for.
    private static let longestWish = Duration.seconds(300)

    /// How often the request failed for reasons that may pass.
    private(set) var attempts = 0
    /// How often the peer asked for a slower pace.
    private var throttled = 0
    /// How long it is since the first failure.
    private var failingFor = Duration.zero

    package init() {}

    /// How long to wait before the request is made again; nil if it is not.
    ///
    /// `countsTime` is false for requests that rightly take long, such as the copy of a large attachment.
    package mutating func delay(
        after failure: PeerFailure,
        retries: Int,
        patience: Duration = patience,
        countsTime: Bool = true
    ) -> Duration? {
        let wish = min(failure.retryAfter ?? .zero, Self.longestWish)
        if failure.status == 429 {
            guard let delay = RetryDelay.afterThrottling(throttled) else { return nil }
            throttled += 1
            return max(delay, wish)
        }
        switch failure.kind {
        case .malformedAnswer: guard attempts < min(retries, 2) else { return nil }
        case _ where failure.isTransient: guard attempts < retries else { return nil }
        default: return nil
        }
        // The clock starts with the first failure, not with the first request.
        if attempts > 0, countsTime { failingFor += failure.elapsed }
        let delay = RetryDelay.afterFailure(attempts)
        failingFor += delay
        guard failingFor <= patience else { return nil }
        attempts += 1
        return max(delay, wish)
    }

    /// How long to wait before a document is offered again that met a fault of the target; nil if it is not.
    mutating func delayAfterFault(retries: Int) -> Duration? {
        guard attempts < retries else { return nil }
        defer { attempts += 1 }
        return RetryDelay.afterFailure(attempts)
    }
}

/// How long to wait before a request is tried again.
package enum RetryDelay {
    /// After a failure that may pass: 250 ms, doubling, at most five minutes.
    package static func afterFailure(_ attempts: Int) -> Duration {
        min(.milliseconds(250 << min(attempts, 16)), .seconds(300))
    }

    /// After "too many requests"; nil once the pace would be slower than one request in 25 s.
    package static func afterThrottling(_ times: Int) -> Duration? {
        var milliseconds = 20.0
        for _ in 0..<times { milliseconds *= 1.2 }
        return milliseconds > 25_000 ? nil : .milliseconds(Int(milliseconds))
    }
}
