// Partial copies that retract: what decides whether a document has to leave a copy.
//
// A pull with a selector and `"retract":true` makes its target the part of the source that the selector describes. So a
// document leaves when the source's winner does not match (any more), is deleted, or was purged. It does not leave, ever,
// while the copy knows a revision of it that the source does not: somebody wrote it here, and it is nowhere else.
//
// The source's feed says nothing of documents that stop matching, so this is found out from the state of both sides:
//
// | the source says                         | the document |
// |-----------------------------------------|--------------|
// | the same revision wins that wins here   | leaves unless it matches, as it stands here |
// | another revision wins                   | leaves unless that one matches: it has to be fetched to know |
// | deleted                                 | leaves |
// | unknown                                 | stays: it comes from elsewhere |
//
// Revisions that were purged from the source are forgotten here first, so what was there once does not pass for unknown. A
// source that was deleted and made again remembers no such thing: what only its predecessor had is unknown to it, and stays.
//
// The subtle thing is a selector that changes and changes back. Between the two, documents left that the first selector's
// checkpoint takes for copied. So every change of the selector begins a new *generation*, with checkpoints of its own.

/// What a copy has of a document.
package struct HeldDocument: Sendable {
    package let id: DocumentID
    package let winner: RevisionID
    /// All leaves, tombstones included.
    package let leaves: [RevisionID]
    /// The winner's JSON text.
    package let text: [UInt8]

    package init(id: DocumentID, winner: RevisionID, leaves: [RevisionID], text: [UInt8]) {
        (self.id, self.winner, self.leaves, self.text) = (id, winner, leaves, text)
    }
}

extension HeldDocument {
    /// The same with only some of the leaves.
    package func keeping(_ isKept: (RevisionID) -> Bool) -> HeldDocument {
        HeldDocument(id: id, winner: winner, leaves: leaves.filter(isKept), text: text)
    }
}

/// What a source says of a document.
package enum SourceWinner: Hashable, Sendable {
    case unknown
    case deleted
    case live(RevisionID)
}

/// Whether a document stays in a copy.
package enum RetractionVerdict: Hashable, Sendable {
    case stays
    /// It leaves, if the source has all of its leaves.
    case leaves
    /// It depends on what the source's winner says.
    case dependsOnSource
}

extension HeldDocument {
    /// Whether the document stays, as far as that can be told without the source's text; `matches` says whether the text
    /// here does.
    package func verdict(
        _ source: SourceWinner,
        matches: () throws(SettleError) -> Bool
    ) throws(SettleError) -> RetractionVerdict {
        switch source {
        case .unknown: return .stays
        case .deleted: return .leaves
        case .live(winner): return try matches() ? .stays : .leaves
        case .live: return .dependsOnSource
        }
    }
}

/// What a copy notes about its retracting, in a local document of its own.
package struct RetractionNotes: Hashable, Sendable {
    /// The selector, in its normal form.
    package var selector: JSONObject
    /// How often the selector has changed.
    package var generation = 1
    /// Every change of the source up to here was looked at.
    package var position: SourceSequence
    /// What identifies the source, and how often something was purged from it.
    package var source: String
    package var purges: String?

    package init(selector: JSONObject, position: SourceSequence, source: String, purges: String?) {
        (self.selector, self.position, self.source, self.purges) = (selector, position, source, purges)
    }

    /// Reads the notes; nil if they make no sense.
    package init?(_ document: JSONObject?) {
        guard let document, let selector = document["selector"]?.object,
            let generation = document["generation"]?.int, let position = document["source_seq"],
            let source = document["source"]?.string
        else { return nil }
        self.init(
            selector: selector,
            position: SourceSequence(position),
            source: source,
            purges: document["source_purge_seq"]?.string
        )
        self.generation = generation
    }

    /// The document that holds the notes.
    package var document: JSONObject {
        [
            "selector": .object(selector), "generation": .number(JSONNumber(generation)),
            "source_seq": position.value, "source": .string(source),
            "source_purge_seq": purges.map { .string($0) } ?? .null,
        ]
    }

    /// Whether everything has to be looked at again: the notes are about another selector, another source, or a source
    /// that has forgotten something since.
    package func isOutdated(by now: RetractionNotes) -> Bool {
        selector != now.selector || source != now.source || purges != now.purges
            || position.isBeyond(now.position)
    }
}
