// Makes documents leave a copy that no longer belong to it; see `SettleCore/Replication/Retraction.swift` for which.
//
// Before anything is copied, `begin` looks at everything the copy has, if the selector, the source or what was purged
// from it has changed since the last time; a first copy is empty, so that costs nothing. After that only what changes in
// the source is looked at: `follow` reads its changes without the selector, and asks about those documents that are here.
// A copy that goes on for ever does so in `RetractionFollowing`.

import Settle
import SettleCore

/// The retracting side of a pull.
struct Retraction: Sendable {
    private static let batchSize = 500

    let source: any RetractionSource
    let target: LocalPeer
    let selector: Selector
    /// The name of the notes in the target.
    let name: String
    private(set) var notes: RetractionNotes
    private var revision: JSONValue?

    /// Which checkpoints belong to the copying beside this: those of the same generation.
    var generation: Int { notes.generation }

    /// Reads the notes, and looks at the whole copy where they are outdated; how many documents left is reported.
    init(
        source: any RetractionSource,
        target: LocalPeer,
        selector: Selector,
        name: String,
        _ report: (Int) -> Void
    ) async throws(PeerFailure) {
        (self.source, self.target, self.selector, self.name) = (source, target, selector, name)
        let saved = try await target.localDocument(name)
        revision = saved?["_rev"]
        let information = try await source.information()
        var now = RetractionNotes(
            selector: selector.normalized,
            position: information.updateSequence,
            source: Self.sourceName(information),
            purges: try await source.purgeSequence()
        )
        guard let before = RetractionNotes(saved) else {
            notes = now
            try await lookAtEverything(report)
            try await save()
            return
        }
        now.generation = before.selector == now.selector ? before.generation : before.generation + 1
        guard before.isOutdated(by: now) else {
            notes = before
            return
        }
        notes = now
        // Before anything leaves: from then on the checkpoints of the generation before are not to be used.
        if now.generation != before.generation {
            var pending = now
            pending.purges = "pending"
            try await save(pending)
        }
        try await lookAtEverything(report)
        try await save()
    }

    /// What tells the source from another one of its name.
    private static func sourceName(_ information: PeerInformation) -> String {
        [information.incarnation, information.updateSequence.incarnation].compactMap(\.self)
            .joined(separator: "-")
    }

    /// Whether something was purged from the source that the copy of these notes has not looked at.
    static func hasPurges(
        _ source: any RetractionSource,
        _ target: LocalPeer,
        name: String
    ) async throws(PeerFailure) -> Bool {
        guard let notes = RetractionNotes(try await target.localDocument(name)) else { return true }
        return try await source.purgeSequence() != notes.purges
    }

    /// Looks at what has changed in the source, up to its present end.
    mutating func follow(_ report: (Int) -> Void) async throws(PeerFailure) {
        while true {
            let page = try await source.changes(nextChanges(waiting: false))
            try await take(page, report)
            if page.rows.isEmpty || page.pending == 0 { return }
        }
    }

    /// Which changes to read next.
    func nextChanges(waiting: Bool) -> ChangesRequest {
        ChangesRequest(since: notes.position, limit: Self.batchSize, waits: waiting, winnersOnly: true)
    }

    /// Looks at the documents of a page of changes.
    mutating func take(_ page: ChangesPage, _ report: (Int) -> Void) async throws(PeerFailure) {
        report(try await retract(page.rows.map(\.id)))
        guard notes.position != page.lastSequence else { return }
        notes.position = page.lastSequence
        if !page.rows.isEmpty { try await save() }
    }

    /// Looks whether something was purged from the source: a purge is no change, so it has to be asked for.
    mutating func lookForPurges(_ report: (Int) -> Void) async throws(PeerFailure) {
        let purges = try await source.purgeSequence()
        guard purges != notes.purges else { return }
        try await lookAtEverything(report)
        notes.purges = purges
        try await save()
    }

    private func lookAtEverything(_ report: (Int) -> Void) async throws(PeerFailure) {
        var purged: [DocumentID: Set<RevisionID>]?
        var last: DocumentID?
        while true {
            let ids = try target.heldIDs(after: last, limit: Self.batchSize)
            guard let end = ids.last else { return }
            if purged == nil { purged = try await source.purgedRevisions() }
            report(try await forget(purged ?? [:], ids) + retract(ids))
            last = end
        }
    }

    /// Forgets revisions that were purged from the source and are not there again; how many documents left by it.
    private func forget(
        _ purged: [DocumentID: Set<RevisionID>],
        _ ids: [DocumentID]
    ) async throws(PeerFailure) -> Int {
        let ids = ids.filter { purged[$0] != nil }
        if ids.isEmpty { return 0 }
        let candidates = try target.held(ids).map { document in
            document.keeping { purged[document.id]?.contains($0) ?? false }
        }
        let rows = candidates.filter { !$0.leaves.isEmpty }
            .map { ChangedDocument(id: $0.id, revisions: $0.leaves) }
        if rows.isEmpty { return 0 }
        let gone = Set(
            try await source.missing(from: rows).map { Revision(id: $0.id, revision: $0.revision) }
        )
        let forgotten = candidates.map { document in
            document.keeping { gone.contains(Revision(id: document.id, revision: $0)) }
        }
        _ = try await target.purge(forgotten.filter { !$0.leaves.isEmpty })
        return try ids.count - target.held(ids).count
    }

    private struct Revision: Hashable {
        let id: DocumentID
        let revision: RevisionID
    }

    /// Looks at some documents; how many left.
    private func retract(_ ids: [DocumentID]) async throws(PeerFailure) -> Int {
        let held = try target.held(ids)
        if held.isEmpty { return 0 }
        var leaving: [HeldDocument] = []
        var unsure: [HeldDocument] = []
        for (document, winner) in zip(held, try await source.winners(of: held.map(\.id))) {
            switch try verdict(document, winner) {
            case .stays: break
            case .leaves: leaving.append(document)
            case .dependsOnSource: unsure.append(document)
            }
        }
        if !unsure.isEmpty {
            for (document, text) in zip(unsure, try await source.texts(of: unsure.map(\.id))) {
                if let text, try matches(text) { continue }
                leaving.append(document)
            }
        }
        return try await target.purge(try await knownToSource(leaving))
    }

    private func verdict(_ document: HeldDocument, _ winner: SourceWinner) throws(PeerFailure)
        -> RetractionVerdict
    {
        do throws(SettleError) {
            return try document.verdict(winner) { () throws(SettleError) in
                try selector.matches(document.text)
            }
        } catch {
            throw PeerFailure(error)
        }
    }

    private func matches(_ text: [UInt8]) throws(PeerFailure) -> Bool {
        do throws(SettleError) {
            return try selector.matches(text)
        } catch {
            throw PeerFailure(error)
        }
    }

    /// Those documents of which the source has every leaf.
    private func knownToSource(_ documents: [HeldDocument]) async throws(PeerFailure) -> [HeldDocument] {
        if documents.isEmpty { return [] }
        let rows = documents.map { ChangedDocument(id: $0.id, revisions: $0.leaves) }
        let unknown = Set(try await source.missing(from: rows).map(\.id))
        return documents.filter { !unknown.contains($0.id) }
    }

    private mutating func save(_ other: RetractionNotes? = nil) async throws(PeerFailure) {
        var document = (other ?? notes).document
        document["_rev"] = revision
        revision = .string(try await target.saveLocalDocument(name, document))
    }
}
