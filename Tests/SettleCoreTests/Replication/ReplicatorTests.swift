import Testing

@testable import SettleCore

/// Rows, revisions and documents by short names.
enum Make {
    static func sequence(_ number: Int) -> SourceSequence { SourceSequence(json: Array("\(number)".utf8)) }
    static func revision(_ text: String) -> RevisionID {
        RevisionID(text) ?? RevisionID(0, RevisionDigest(bytes: []))
    }
    static func row(_ id: String, _ revisions: String...) -> ChangedDocument {
        ChangedDocument(id: DocumentID(id), revisions: revisions.map(revision))
    }
    static func wanted(_ id: String, _ revision: String) -> WantedRevision {
        WantedRevision(id: DocumentID(id), revision: self.revision(revision))
    }
    static func document(_ id: String, _ revision: String, attachments: Bool = false) -> FetchedDocument {
        FetchedDocument(
            id: DocumentID(id),
            revision: self.revision(revision),
            json: [123, 125],
            attachments: attachments ? [ShownAttachment(length: nil)] : []
        )
    }
    static func page(_ rows: [ChangedDocument], end: Int, pending: Int? = nil) -> ChangesPage {
        ChangesPage(
            rows: rows,
            lastRowSequence: rows.isEmpty ? nil : sequence(end),
            lastSequence: sequence(end),
            pending: pending
        )
    }
    static func status(_ status: Int, _ name: String = "x") -> PeerFailure {
        PeerFailure(.status(status), name: name, reason: "because")
    }
}

@Suite("A replicator")
struct ReplicatorTests {
    private func settings(_ change: (inout Replicator.Settings) -> Void = { _ in }) -> Replicator.Settings {
        var settings = Replicator.Settings()
        settings.batchSize = 2
        change(&settings)
        return settings
    }

    /// A replicator with one page of changes, `a` and `b`, both missing from the target, and their fetch under way as step 2.
    private func fetching(_ change: (inout Replicator.Settings) -> Void = { _ in }) -> Replicator {
        var replicator = Replicator(settings(change), from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(
            Make.page([Make.row("a", "1-a"), Make.row("b", "1-b")], end: 2, pending: 0)
        )
        _ = replicator.compared(1, missing: [Make.wanted("a", "1-a"), Make.wanted("b", "1-b")])
        return replicator
    }

    @Test("reads, compares, fetches, writes, notes and finishes")
    func straightOn() {
        var replicator = Replicator(settings(), from: .zero)
        #expect(
            replicator.start() == [.readChanges(after: .zero, limit: 2, waiting: false, delay: .zero)]
        )
        let rows = [Make.row("a", "1-a"), Make.row("b", "1-b", "1-c")]
        #expect(
            replicator.changesRead(Make.page(rows, end: 2, pending: 0)) == [
                .perform(1, .compare(rows), delay: .zero)
            ]
        )
        let wanted = [Make.wanted("a", "1-a")]
        #expect(replicator.compared(1, missing: wanted) == [.perform(2, .fetch(wanted), delay: .zero)])
        let documents = [Make.document("a", "1-a")]
        #expect(
            replicator.fetched(2, FetchAnswer(documents: documents)) == [
                .perform(3, .write(documents), delay: .zero)
            ]
        )
        #expect(replicator.written(3, rejected: []) == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
        #expect(replicator.checkpointSaved(Make.sequence(2)) == [.finish(.completed)])
        #expect(replicator.committed == Make.sequence(2))
        var expected = ReplicationStatistics()
        expected.missingChecked = 3
        expected.missingFound = 1
        (expected.documentsRead, expected.documentsWritten) = (1, 1)
        (expected.bulkGetAttempts, expected.bulkGetDocuments) = (1, 1)
        #expect(replicator.statistics == expected)
    }

    @Test("with nothing new finishes without a checkpoint")
    func nothingNew() {
        var replicator = Replicator(settings(), from: Make.sequence(7))
        _ = replicator.start()
        #expect(replicator.changesRead(Make.page([], end: 7, pending: 0)) == [.finish(.completed)])
        #expect(replicator.committed == replicator.origin)
    }

    @Test("reads on while steps run, and only so far ahead")
    func readsAhead() {
        var replicator = Replicator(settings { $0.openBatches = 2 }, from: .zero)
        _ = replicator.start()
        let first = [Make.row("a", "1-a"), Make.row("b", "1-b")]
        let second = [Make.row("c", "1-c"), Make.row("d", "1-d")]
        #expect(
            replicator.changesRead(Make.page(first, end: 2)) == [
                .perform(1, .compare(first), delay: .zero),
                .readChanges(after: Make.sequence(2), limit: 2, waiting: false, delay: .zero),
            ]
        )
        #expect(
            replicator.changesRead(Make.page(second, end: 4)) == [.perform(2, .compare(second), delay: .zero)]
        )
        // The second batch ends first: nothing may be noted yet, but there is room to read on.
        #expect(replicator.compared(2, missing: []) == [])
        #expect(replicator.through == .zero)
        #expect(replicator.checkpointDue() == [])
        #expect(
            replicator.compared(1, missing: []) == [
                .readChanges(after: Make.sequence(4), limit: 2, waiting: false, delay: .zero)
            ]
        )
        #expect(replicator.through == Make.sequence(4))
        #expect(replicator.checkpointDue() == [.saveCheckpoint(Make.sequence(4), delay: .zero)])
    }

    @Test("does not compare with an empty target")
    func emptyTarget() {
        var replicator = Replicator(settings { $0.targetIsEmpty = true }, from: .zero)
        _ = replicator.start()
        let wanted = [Make.wanted("a", "1-a"), Make.wanted("a", "1-b")]
        #expect(
            replicator.changesRead(Make.page([Make.row("a", "1-a", "1-b")], end: 1)) == [
                .perform(1, .fetch(wanted), delay: .zero)
            ]
        )
        #expect(replicator.statistics.missingFound == 2)
    }

    @Test("lists what it could not copy and goes on")
    func failures() {
        var replicator = fetching()
        let answer = FetchAnswer(documents: [
            Make.document("a", "1-a", attachments: true), Make.document("b", "1-b"),
        ])
        _ = replicator.fetched(2, answer)
        var copy = CopyAnswer()
        copy.documentsRead = 1
        copy.rejected = [
            WriteRejection(id: "a", revision: Make.revision("1-a"), name: "too_large", reason: "much")
        ]
        #expect(replicator.copied(3, copy) == [])
        let rejection = WriteRejection(
            id: "b",
            revision: Make.revision("1-b"),
            name: "forbidden",
            reason: "not you"
        )
        #expect(
            replicator.written(4, rejected: [rejection]) == [.saveCheckpoint(Make.sequence(2), delay: .zero)]
        )
        #expect(replicator.failures.map(\.id) == ["a", "b"])
        #expect(replicator.failures.map(\.name) == ["too_large", "forbidden"])
        #expect(replicator.statistics.documentWriteFailures == 2)
        #expect(replicator.statistics.documentsWritten == 0)
    }

    @Test(
        "copies a document with attachments by itself, and in full where the target lacks what it should have"
    )
    func attachments() {
        var replicator = fetching()
        let documents = [Make.document("a", "1-a", attachments: true), Make.document("b", "1-b")]
        let wanted = Make.wanted("a", "1-a")
        #expect(
            replicator.fetched(2, FetchAnswer(documents: documents)) == [
                .perform(3, .copy(AttachedQuestion(wanted), inFull: false), delay: .zero),
                .perform(4, .write([documents[1]]), delay: .zero),
            ]
        )
        var answer = CopyAnswer()
        answer.documentsRead = 1
        answer.rejected = [
            WriteRejection(id: "a", revision: Make.revision("1-a"), name: "missing_stub", reason: "f")
        ]
        #expect(
            replicator.copied(3, answer) == [
                .perform(5, .copy(AttachedQuestion(wanted), inFull: true), delay: .seconds(2))
            ]
        )
        #expect(replicator.written(4, rejected: []) == [])
        answer.rejected = []
        answer.documentsWritten = 1
        #expect(replicator.copied(5, answer) == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
        #expect(replicator.failures == [])
        #expect(replicator.statistics.documentsRead == 2)
        #expect(replicator.statistics.documentsWritten == 2)
    }

    @Test("looks twice for a missing revision, then lists it")
    func missing() {
        var replicator = fetching()
        let document = Make.document("a", "1-a")
        #expect(
            replicator.fetched(2, FetchAnswer(documents: [document], missing: [1])) == [
                .perform(3, .write([document]), delay: .zero),
                .perform(4, .fetch([Make.wanted("b", "1-b")]), delay: .seconds(2)),
            ]
        )
        #expect(replicator.written(3, rejected: []) == [])
        #expect(
            replicator.fetched(4, FetchAnswer(missing: [0])) == [
                .saveCheckpoint(Make.sequence(2), delay: .zero)
            ]
        )
        #expect(replicator.failures.map(\.name) == ["not_found"])
    }

    @Test("waits for more where it is continuous, and stops when told")
    func continuous() {
        var replicator = Replicator(settings { $0.isContinuous = true }, from: .zero)
        _ = replicator.start()
        // The filter let nothing through, but it was looked at.
        #expect(
            replicator.changesRead(Make.page([], end: 5, pending: 0)) == [
                .readChanges(after: Make.sequence(5), limit: 2, waiting: true, delay: .zero)
            ]
        )
        #expect(replicator.isIdle)
        #expect(replicator.checkpointDue() == [.saveCheckpoint(Make.sequence(5), delay: .zero)])
        #expect(replicator.checkpointSaved(Make.sequence(5)) == [])
        #expect(replicator.stop() == [.finish(.stopped)])
        #expect(replicator.changesRead(Make.page([Make.row("a", "1-a")], end: 6)) == [])
    }

    @Test("does not hurry where a source answers nothing instead of waiting")
    func unwaiting() {
        var replicator = Replicator(settings { $0.isContinuous = true }, from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(Make.page([], end: 5, pending: 0))
        let again = Replicator.Action.readChanges(
            after: Make.sequence(5),
            limit: 2,
            waiting: true,
            delay: .milliseconds(250)
        )
        #expect(replicator.changesRead(Make.page([], end: 5)) == [again])
    }

    @Test("stopped in the middle notes only what is done")
    func stoppedInTheMiddle() {
        var replicator = Replicator(settings(), from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(Make.page([Make.row("a", "1-a"), Make.row("b", "1-b")], end: 2))
        _ = replicator.changesRead(Make.page([Make.row("c", "1-c"), Make.row("d", "1-d")], end: 4))
        _ = replicator.compared(1, missing: [])
        #expect(replicator.stop() == [.saveCheckpoint(Make.sequence(2), delay: .zero)])
        #expect(replicator.compared(2, missing: []) == [])
        #expect(replicator.checkpointSaved(Make.sequence(2)) == [.finish(.stopped)])
    }
}
