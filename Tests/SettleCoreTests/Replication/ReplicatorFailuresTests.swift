import Testing

@testable import SettleCore

@Suite("A replicator whose peers fail")
struct ReplicatorFailuresTests {
    private let a = Make.wanted("a", "1-a")
    private let b = Make.wanted("b", "1-b")

    /// A replicator whose fetch of `a` and `b` runs as step 1.
    private func fetching() -> Replicator {
        var settings = Replicator.Settings()
        settings.targetIsEmpty = true
        var replicator = Replicator(settings, from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(Make.page([Make.row("a", "1-a"), Make.row("b", "1-b")], end: 2))
        return replicator
    }

    @Test("tries again, ever slower, five times")
    func transient() {
        var replicator = fetching()
        for (step, delay) in [(1, 250), (2, 500), (3, 1_000), (4, 2_000), (5, 4_000)] {
            #expect(
                replicator.failed(step, Make.status(503)) == [
                    .perform(step + 1, .fetch([a, b]), delay: .milliseconds(delay))
                ]
            )
        }
        let error = SettleError(.internalError, "x: because")
        #expect(replicator.failed(6, Make.status(503)) == [.finish(.failed(error))])
    }

    @Test("slows down when asked to")
    func throttled() {
        var replicator = fetching()
        #expect(
            replicator.failed(1, Make.status(429)) == [.perform(2, .fetch([a, b]), delay: .milliseconds(20))]
        )
        #expect(
            replicator.failed(2, Make.status(429)) == [.perform(3, .fetch([a, b]), delay: .milliseconds(24))]
        )
        let patient = PeerFailure(.status(429), name: "x", reason: "", retryAfter: .seconds(3))
        #expect(replicator.failed(3, patient) == [.perform(4, .fetch([a, b]), delay: .seconds(3))])
        #expect(RetryDelay.afterThrottling(39) != nil)
        #expect(RetryDelay.afterThrottling(40) == nil)
    }

    @Test("fetches one by one where `_bulk_get` is unknown")
    func noBulkGet() {
        var replicator = fetching()
        #expect(
            replicator.failed(1, Make.status(405)) == [
                .perform(2, .fetchAlone(a), delay: .zero), .perform(3, .fetchAlone(b), delay: .zero),
            ]
        )
        #expect(
            replicator.fetched(2, FetchAnswer(documents: [Make.document("a", "1-a")])) == [
                .perform(4, .write([Make.document("a", "1-a")]), delay: .zero)
            ]
        )
        #expect(
            replicator.fetched(3, FetchAnswer(refused: [.init(index: 0, name: "forbidden", reason: "")]))
                == []
        )
        #expect(replicator.failures.map(\.id) == ["b"])
        #expect(replicator.written(4, rejected: []) == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
    }

    @Test("asks for less when an answer is too large")
    func tooLarge() {
        var replicator = fetching()
        let failure = PeerFailure(.answerTooLarge, name: "too_large", reason: "")
        #expect(
            replicator.failed(1, failure) == [
                .perform(2, .fetch([a]), delay: .zero), .perform(3, .fetch([b]), delay: .zero),
            ]
        )
        #expect(replicator.failed(3, failure) == [])
        #expect(replicator.failures.map(\.id) == ["b"])
    }

    @Test("halves what a target refuses until the document to blame stands alone")
    func halving() {
        var replicator = fetching()
        let (first, second) = (Make.document("a", "1-a"), Make.document("b", "1-b"))
        _ = replicator.fetched(1, FetchAnswer(documents: [first, second]))
        #expect(
            replicator.failed(2, Make.status(413)) == [
                .perform(3, .write([first]), delay: .zero), .perform(4, .write([second]), delay: .zero),
            ]
        )
        #expect(replicator.failed(4, Make.status(413, "document_too_large")) == [])
        #expect(replicator.failures.map(\.name) == ["document_too_large"])
        #expect(replicator.written(3, rejected: []) == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
        #expect(replicator.statistics.documentsWritten == 1)
    }

    @Test("gives a document that met a fault another chance")
    func transientRejection() {
        var replicator = fetching()
        let (first, second) = (Make.document("a", "1-a"), Make.document("b", "1-b"))
        _ = replicator.fetched(1, FetchAnswer(documents: [first, second]))
        let rejection = WriteRejection(id: "b", revision: nil, name: "timeout", reason: "")
        #expect(
            replicator.written(2, rejected: [rejection]) == [
                .perform(3, .write([second]), delay: .milliseconds(250))
            ]
        )
        #expect(replicator.written(3, rejected: []) == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
        #expect(replicator.statistics.documentsWritten == 2)
        #expect(replicator.failures.isEmpty)
    }

    @Test(
        "ends where a peer is closed to it",
        arguments: [(401, "unauthorized"), (403, "forbidden"), (404, "db_not_found")]
    )
    func closed(status: Int, name: String) {
        var replicator = fetching()
        guard
            case .finish(.failed(let error)) = replicator.failed(1, Make.status(status == 404 ? 401 : status))
                .first
        else {
            Issue.record("the run goes on")
            return
        }
        #expect(error.name == (status == 404 ? "unauthorized" : name))
        var reading = Replicator(.init(), from: .zero)
        _ = reading.start()
        #expect(reading.changesFailed(Make.status(status)) == [.finish(.failed(Make.status(status).error))])
        #expect(Make.status(status).error.name == name)
    }

    @Test("reads changes again after a cut")
    func changesCut() {
        var replicator = Replicator(.init(), from: Make.sequence(3))
        _ = replicator.start()
        let cut = PeerFailure(.transport, name: "closed", reason: "")
        #expect(
            replicator.changesFailed(cut) == [
                .readChanges(after: Make.sequence(3), limit: 500, waiting: false, delay: .milliseconds(250))
            ]
        )
    }

    @Test("ends with the first reason when the last checkpoint fails too")
    func checkpointAfterFailure() {
        var settings = Replicator.Settings()
        settings.batchSize = 1
        settings.targetIsEmpty = true
        var replicator = Replicator(settings, from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(Make.page([Make.row("a", "1-a")], end: 1))
        _ = replicator.changesRead(Make.page([Make.row("b", "1-b")], end: 2))
        _ = replicator.fetched(1, FetchAnswer(documents: [Make.document("a", "1-a")]))
        _ = replicator.written(3, rejected: [])
        #expect(replicator.through == Make.sequence(1))
        #expect(
            replicator.failed(2, Make.status(401)) == [.saveCheckpoint(Make.sequence(1), delay: .zero)]
        )
        #expect(
            replicator.checkpointFailed(Make.status(500)) == [.finish(.failed(Make.status(401).error))]
        )
    }
}
