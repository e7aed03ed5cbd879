import SettleTestSupport
import Testing

@testable import SettleCore

/// The law: whatever goes wrong and in whatever order steps end, a run that completes has copied every revision or
/// listed it as failed, and a checkpoint never claims a change whose revisions are neither.
@Suite("A replicator between peers that fail at random")
struct ReplicatorSimulationTests {
    @Test("copies everything or says what it did not", arguments: UInt64(1)...200)
    func law(seed: UInt64) {
        var simulation = Simulation(seed: seed)
        let outcome = simulation.run()
        #expect(outcome == .completed, "seed \(seed)")
        #expect(simulation.uncovered(upTo: simulation.rows.count).isEmpty, "seed \(seed)")
        #expect(simulation.falseClaims == 0, "seed \(seed)")
        let statistics = simulation.replicator.statistics
        #expect(statistics.documentWriteFailures == simulation.replicator.failures.count, "seed \(seed)")
        #expect(simulation.replicator.committed == Make.sequence(simulation.rows.count), "seed \(seed)")
    }
}

/// A source, a target, and a network that loses requests and reorders answers.
private struct Simulation {
    var random: SeededGenerator
    var replicator: Replicator
    var rows: [ChangedDocument] = []
    var target: Set<WantedRevision> = []
    var poison: Set<DocumentID> = []
    var gone: Set<DocumentID> = []
    var falseClaims = 0

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
        var settings = Replicator.Settings()
        settings.batchSize = Int.random(in: 1...7, using: &random)
        settings.openBatches = Int.random(in: 1...4, using: &random)
        settings.concurrentSteps = Int.random(in: 1...4, using: &random)
        settings.targetIsEmpty = Bool.random(using: &random)
        settings.retries = 1_000
        (settings.attachedGroupBytes, settings.attachedDocumentBytes) = (4_000, 1_500)
        settings.patience = .seconds(1_000_000)
        replicator = Replicator(settings, from: .zero)
        for number in 0..<Int.random(in: 1...60, using: &random) {
            let revisions = (0...Int.random(in: 0...2, using: &random)).map { Make.revision("1-\($0)") }
            let row = ChangedDocument(id: DocumentID("d\(number)"), revisions: revisions)
            rows.append(row)
            if !settings.targetIsEmpty, Bool.random(using: &random), let known = revisions.first {
                target.insert(WantedRevision(id: row.id, revision: known))
            }
            if Int.random(in: 0..<10, using: &random) == 0 { poison.insert(row.id) }
            if Int.random(in: 0..<20, using: &random) == 0 { gone.insert(row.id) }
        }
    }

    mutating func run() -> Replicator.Outcome? {
        var todo = replicator.start()
        while !todo.isEmpty {
            let action = todo.remove(at: Int.random(in: 0..<todo.count, using: &random))
            if case .finish(let outcome) = action { return outcome }
            todo += perform(action)
            if Int.random(in: 0..<8, using: &random) == 0 { todo += replicator.checkpointDue() }
        }
        return nil
    }

    private var isUnlucky: Bool {
        mutating get { Int.random(in: 0..<4, using: &random) == 0 }
    }

    private mutating func perform(_ action: Replicator.Action) -> [Replicator.Action] {
        let cut = PeerFailure(.transport, name: "closed", reason: "")
        switch action {
        case .readChanges(let after, let limit, _, _):
            if isUnlucky { return replicator.changesFailed(cut) }
            let start = Int(after.description) ?? 0
            let page = rows[start..<min(start + limit, rows.count)]
            return replicator.changesRead(Make.page(Array(page), end: start + page.count))
        case .perform(let id, let step, _):
            if isUnlucky { return replicator.failed(id, cut) }
            return perform(id, step)
        case .saveCheckpoint(let sequence, _):
            if isUnlucky { return replicator.checkpointFailed(cut) }
            if !uncovered(upTo: Int(sequence.description) ?? 0).isEmpty { falseClaims += 1 }
            return replicator.checkpointSaved(sequence)
        case .checkPeers: return isUnlucky ? replicator.checkFailed(cut) : replicator.checked()
        case .finish: return []
        }
    }

    private mutating func perform(_ id: Int, _ step: Replicator.Step) -> [Replicator.Action] {
        switch step {
        case .compare(let rows):
            let all = rows.flatMap { row in row.revisions.map { WantedRevision(id: row.id, revision: $0) } }
            return replicator.compared(id, missing: all.filter { !target.contains($0) })
        case .fetch(let wanted):
            if Int.random(in: 0..<30, using: &random) == 0 { return replicator.failed(id, Make.status(404)) }
            if wanted.count > 1, Int.random(in: 0..<10, using: &random) == 0 {
                return replicator.failed(id, PeerFailure(.answerTooLarge, name: "", reason: ""))
            }
            return replicator.fetched(id, answer(wanted))
        case .fetchAlone(let wanted): return replicator.fetched(id, answer([wanted]))
        case .fetchAttached(let questions):
            if Int.random(in: 0..<20, using: &random) == 0 {
                return replicator.failed(id, PeerFailure(.answerTooLarge, name: "", reason: ""))
            }
            if Int.random(in: 0..<30, using: &random) == 0 { return replicator.failed(id, Make.status(406)) }
            return replicator.fetchedAttached(id, answer(questions))
        case .writeAttached(let documents):
            if documents.contains(where: { poison.contains($0.id) }), Bool.random(using: &random) {
                return replicator.failed(id, Make.status(413))
            }
            if Int.random(in: 0..<10, using: &random) == 0 {
                return replicator.failed(id, Make.status(412, "missing_stub"))
            }
            let rejected = reject(documents.map { ($0.question.wanted.id, $0.question.wanted.revision) })
            return replicator.writtenAttached(id, rejected: rejected)
        case .copy(let question, let inFull):
            let wanted = question.wanted
            var answer = CopyAnswer()
            if gone.contains(wanted.id) {
                answer.isMissing = true
            } else if poison.contains(wanted.id) {
                answer.rejected = [
                    WriteRejection(id: wanted.id, revision: wanted.revision, name: "forbidden", reason: "")
                ]
            } else if !inFull, Bool.random(using: &random) {
                answer.rejected = [
                    WriteRejection(id: wanted.id, revision: nil, name: "missing_stub", reason: "")
                ]
            } else {
                target.insert(WantedRevision(id: wanted.id, revision: wanted.revision))
                answer.documentsWritten = 1
            }
            return replicator.copied(id, answer)
        case .write(let documents):
            if documents.contains(where: { poison.contains($0.id) }), Bool.random(using: &random) {
                return replicator.failed(id, Make.status(413))
            }
            let rejected = reject(documents.map { ($0.id, $0.revision) })
            return replicator.written(id, rejected: rejected)
        }
    }

    /// Takes documents into the target, except for some.
    private mutating func reject(_ documents: [(id: DocumentID, revision: RevisionID)]) -> [WriteRejection] {
        var rejected: [WriteRejection] = []
        for (id, revision) in documents {
            if poison.contains(id) || isUnlucky {
                let name = poison.contains(id) ? "forbidden" : "timeout"
                rejected.append(WriteRejection(id: id, revision: revision, name: name, reason: ""))
            } else {
                target.insert(WantedRevision(id: id, revision: revision))
            }
        }
        return rejected
    }

    private mutating func answer(_ questions: [AttachedQuestion]) -> AttachedAnswer {
        var answer = AttachedAnswer()
        for (place, question) in questions.enumerated() {
            let isLeft = gone.contains(question.wanted.id) || isUnlucky
            let text = Array(#"{"_rev":"\(question.wanted.revision.text)"}"#.utf8)
            if !isLeft, let revision = try? AttachedRevision(json: text) {
                answer.documents.append(AttachedDocument(question, revision, contents: []))
            } else {
                answer.left.append(place)
            }
        }
        answer.isCut = Bool.random(using: &random)
        return answer
    }

    private mutating func attachments() -> [ShownAttachment] {
        guard Int.random(in: 0..<4, using: &random) == 0 else { return [] }
        let length: UInt64? =
            Int.random(in: 0..<4, using: &random) == 0 ? nil : UInt64.random(in: 0...2_000, using: &random)
        return [ShownAttachment(length: length)]
    }

    private mutating func answer(_ wanted: [WantedRevision]) -> FetchAnswer {
        var answer = FetchAnswer()
        for (index, revision) in wanted.enumerated() {
            if gone.contains(revision.id) {
                answer.missing.append(index)
            } else if Int.random(in: 0..<15, using: &random) == 0 {
                answer.refused.append(.init(index: index, name: "internal", reason: ""))
            } else {
                answer.documents.append(
                    FetchedDocument(
                        id: revision.id,
                        revision: revision.revision,
                        json: [123, 125],
                        attachments: attachments()
                    )
                )
            }
        }
        return answer
    }

    /// Revisions of the first so many changes that are neither in the target nor listed as failed.
    func uncovered(upTo count: Int) -> [WantedRevision] {
        let failed = Set(replicator.failures.map { [$0.id.text, $0.revision?.text ?? ""] })
        return rows.prefix(count).flatMap { row in
            row.revisions.map { WantedRevision(id: row.id, revision: $0) }
        }
        .filter { !target.contains($0) && !failed.contains([$0.id.text, $0.revision.text]) }
    }
}
