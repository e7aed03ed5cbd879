import Testing

@testable import SettleCore

@Suite("A replicator of documents with small attachments")
struct ReplicatorAttachedTests {
    private static let names = ["a", "b", "c", "d"]
    private let wanted = names.map { Make.wanted($0, "1-x") }

    /// A question about a document with one attachment, and two bytes of text.
    private func question(_ index: Int, _ length: Int?) -> AttachedQuestion {
        AttachedQuestion(wanted[index], bytes: length.map { $0 + 2 })
    }

    private func document(_ index: Int, _ length: Int) throws -> AttachedDocument {
        let text = Array(#"{"_id":"\#(Self.names[index])","_rev":"1-x"}"#.utf8)
        return AttachedDocument(question(index, length), try AttachedRevision(json: text), contents: [])
    }

    /// A replicator that has been given documents with an attachment of these lengths as step 1, and what it wants next.
    private func fetched(_ lengths: [UInt64?]) -> (Replicator, [Replicator.Action]) {
        var settings = Replicator.Settings()
        settings.targetIsEmpty = true
        (settings.attachedGroupBytes, settings.attachedDocumentBytes) = (250, 200)
        var replicator = Replicator(settings, from: .zero)
        _ = replicator.start()
        let rows = Self.names.prefix(lengths.count).map { Make.row($0, "1-x") }
        _ = replicator.changesRead(Make.page(rows, end: 4, pending: 0))
        let documents = lengths.enumerated().map { index, length in
            FetchedDocument(
                id: wanted[index].id,
                revision: wanted[index].revision,
                json: [123, 125],
                attachments: [ShownAttachment(length: length)]
            )
        }
        let actions = replicator.fetched(1, FetchAnswer(documents: documents))
        return (replicator, actions)
    }

    @Test("asks for them in groups of a bounded size, and copies large ones alone")
    func groups() {
        let (_, actions) = fetched([100, 100, 199, nil])
        #expect(
            actions == [
                .perform(2, .fetchAttached([question(0, 100), question(1, 100)]), delay: .zero),
                .perform(3, .copy(AttachedQuestion(wanted[2], bytes: 201), inFull: false), delay: .zero),
                .perform(4, .copy(question(3, nil), inFull: false), delay: .zero),
            ]
        )
        let (_, more) = fetched([100, 100, 100])
        #expect(
            more == [
                .perform(2, .fetchAttached([question(0, 100), question(1, 100)]), delay: .zero),
                .perform(3, .fetchAttached([question(2, 100)]), delay: .zero),
            ]
        )
    }

    @Test("holds no more groups in memory than it may, until they are written")
    func bounded() throws {
        var settings = Replicator.Settings()
        (settings.targetIsEmpty, settings.concurrentGroups, settings.attachedGroupBytes) = (true, 1, 1)
        var replicator = Replicator(settings, from: .zero)
        _ = replicator.start()
        _ = replicator.changesRead(
            Make.page([Make.row("a", "1-x"), Make.row("b", "1-x")], end: 2, pending: 0)
        )
        let documents = [0, 1].map { index in
            FetchedDocument(
                id: wanted[index].id,
                revision: wanted[index].revision,
                json: [123, 125],
                attachments: [ShownAttachment(length: 5)]
            )
        }
        let first = Replicator.Action.perform(2, .fetchAttached([question(0, 5)]), delay: .zero)
        #expect(replicator.fetched(1, FetchAnswer(documents: documents)) == [first])
        let answer = AttachedAnswer(documents: [try document(0, 5)])
        #expect(
            replicator.fetchedAttached(2, answer) == [
                .perform(3, .writeAttached(answer.documents), delay: .zero)
            ]
        )
        #expect(
            replicator.writtenAttached(3, rejected: []) == [
                .perform(4, .fetchAttached([question(1, 5)]), delay: .zero)
            ]
        )
    }

    @Test("copies alone what an answer left out, and asks again for what was cut off")
    func left() throws {
        var (replicator, _) = fetched([10, 10])
        let answer = AttachedAnswer(documents: [try document(0, 10)], left: [1])
        #expect(
            replicator.fetchedAttached(2, answer) == [
                .perform(3, .writeAttached(answer.documents), delay: .zero),
                .perform(4, .copy(question(1, 10), inFull: false), delay: .zero),
            ]
        )
        #expect(replicator.statistics.documentsRead == 1)
        (replicator, _) = fetched([10, 10])
        #expect(
            replicator.fetchedAttached(
                2,
                AttachedAnswer(documents: answer.documents, left: [1], isCut: true)
            ) == [
                .perform(3, .writeAttached(answer.documents), delay: .zero),
                .perform(4, .fetchAttached([question(1, 10)]), delay: .zero),
            ]
        )
    }

    @Test("tries once more, then copies each alone")
    func noAnswer() {
        var (replicator, _) = fetched([10, 10])
        let cut = PeerFailure(.transport, name: "cut", reason: "")
        let group = Replicator.Step.fetchAttached([question(0, 10), question(1, 10)])
        #expect(replicator.failed(2, cut) == [.perform(3, group, delay: .milliseconds(250))])
        let alone = [0, 1].map { index in
            Replicator.Action.perform(
                index + 4,
                .copy(question(index, 10), inFull: false),
                delay: .zero
            )
        }
        #expect(replicator.failed(3, cut) == alone)
    }

    @Test("forms no groups any more where the source refuses one")
    func refused() {
        var (replicator, _) = fetched([100, 100, 100])
        #expect(
            replicator.failed(2, Make.status(406)) == [
                .perform(4, .copy(question(0, 100), inFull: false), delay: .zero),
                .perform(5, .copy(question(1, 100), inFull: false), delay: .zero),
            ]
        )
        #expect(!replicator.usesGroups)
    }

    @Test("halves what is too large, either way")
    func halves() throws {
        var (replicator, _) = fetched([10, 10])
        let failure = PeerFailure(.answerTooLarge, name: "", reason: "")
        #expect(
            replicator.failed(2, failure) == [
                .perform(3, .fetchAttached([question(0, 10)]), delay: .zero),
                .perform(4, .fetchAttached([question(1, 10)]), delay: .zero),
            ]
        )
        #expect(
            replicator.failed(3, failure) == [
                .perform(5, .copy(question(0, 10), inFull: false), delay: .zero)
            ]
        )
        (replicator, _) = fetched([10, 10])
        let documents = [try document(0, 10), try document(1, 10)]
        _ = replicator.fetchedAttached(2, AttachedAnswer(documents: documents))
        #expect(
            replicator.failed(3, Make.status(413)) == [
                .perform(4, .writeAttached([documents[0]]), delay: .zero),
                .perform(5, .writeAttached([documents[1]]), delay: .zero),
            ]
        )
        #expect(
            replicator.failed(4, Make.status(413)) == [
                .perform(6, .copy(question(0, 10), inFull: false), delay: .zero)
            ]
        )
        #expect(
            replicator.failed(5, Make.status(412, "missing_stub")) == [
                .perform(7, .copy(question(1, 10), inFull: true), delay: .seconds(2))
            ]
        )
    }

    @Test("sends in full what the target lacks, again what it may take later, and lists what it refuses")
    func rejections() throws {
        var (replicator, _) = fetched([10, 10, 10, 10])
        let documents = try (0..<4).map { try document($0, 10) }
        _ = replicator.fetchedAttached(2, AttachedAnswer(documents: documents))
        let names = [(0, "missing_stub"), (1, "forbidden"), (2, "timeout")]
        let rejected = names.map { index, name in
            WriteRejection(id: wanted[index].id, revision: nil, name: name, reason: "r")
        }
        #expect(
            replicator.writtenAttached(3, rejected: rejected) == [
                .perform(4, .writeAttached([documents[2]]), delay: .milliseconds(250)),
                .perform(5, .copy(question(0, 10), inFull: true), delay: .seconds(2)),
            ]
        )
        #expect(replicator.failures.map(\.id) == ["b"])
        #expect(replicator.statistics.documentsRead == 3)
        #expect(replicator.statistics.documentsWritten == 1)
    }
}
