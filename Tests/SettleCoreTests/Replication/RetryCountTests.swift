import Testing

@testable import SettleCore

@Suite("A request that fails")
struct RetryCountTests {
    private func failure(
        _ kind: PeerFailure.Kind,
        after elapsed: Duration = .zero,
        retryAfter: Duration? = nil
    )
        -> PeerFailure
    {
        var failure = PeerFailure(kind, name: "x", reason: "y", retryAfter: retryAfter)
        failure.elapsed = elapsed
        return failure
    }

    private func delays(_ failure: PeerFailure, retries: Int = 5) -> [Duration] {
        var (retry, delays) = (RetryCount(), [Duration]())
        while delays.count < 100, let delay = retry.delay(after: failure, retries: retries) {
            delays.append(delay)
        }
        return delays
    }

    @Test("is made again five times, each time after twice the wait")
    func doubling() {
        let expected: [Duration] = [250, 500, 1_000, 2_000, 4_000].map { .milliseconds($0) }
        for kind in [PeerFailure.Kind.transport, .status(408), .status(500), .status(503), .status(507)] {
            #expect(delays(failure(kind)) == expected)
        }
    }

    @Test("is not made again a minute after the first failure, however often it may be")
    func patience() {
        #expect(delays(failure(.transport), retries: 20).count == 7)
        // Each attempt is half a minute of silence; the first one happened before the clock started.
        #expect(delays(failure(.transport, after: .seconds(30)), retries: 20).count == 2)
        var retry = RetryCount()
        for _ in 0..<5 {
            let delay = retry.delay(
                after: failure(.transport, after: .seconds(300)),
                retries: 5,
                countsTime: false
            )
            #expect(delay != nil)
        }
    }

    @Test("waits as long as the peer wishes, which does not use up its patience")
    func wishes() {
        #expect(
            delays(failure(.status(503), retryAfter: .seconds(90)))
                == Array(repeating: .seconds(90), count: 5)
        )
        #expect(delays(failure(.status(503), retryAfter: .seconds(9_000))).first == .seconds(300))
        #expect(delays(failure(.status(429), retryAfter: .seconds(1))).first == .seconds(1))
    }

    @Test("is made ever slower after 429, until that would be slower than one in 25 seconds")
    func throttling() {
        let all = delays(failure(.status(429)))
        #expect(all.count == 40)
        #expect(all.first == .milliseconds(20))
        #expect(zip(all, all.dropFirst()).allSatisfy { $0 < $1 })
        #expect(all.allSatisfy { $0 <= .seconds(25) })
    }

    @Test("is made again twice if the answer made no sense, and not at all if it did")
    func others() {
        #expect(delays(failure(.malformedAnswer)).count == 2)
        for kind in [PeerFailure.Kind.status(400), .status(404), .status(501), .answerTooLarge, .untrusted] {
            #expect(delays(failure(kind)).isEmpty)
        }
    }
}
