// From what both peers have noted, finds the sequence that both agree on.
//
// If both name the same session, it is where that session stopped: at the earlier of the two sequences, for a session notes
// its progress many times, and one side may have missed the last notes (a crash between the two writes), or was restored
// from a backup. If they name different sessions, one of them missed all notes of a session. Then the newest session that both know is searched, and the
// sequence it recorded is taken: everything up to there reached the target, whatever happened since.
//
//     source  D C B A        target  C B A        → C, what the source recorded for it
//
// The subtle thing: a match is looked for from the front of both lists at once. If the source's newest session isn't
// anywhere in the target's, and the target's newest isn't in the rest of the source's, then both newest are dropped.

/// Where to start, and the sessions that lead up to there.
package struct CheckpointComparison: Hashable, Sendable {
    /// Everything up to here is known to have been copied.
    package let sequence: SourceSequence
    /// The sessions up to there, the newest first.
    package let history: [JSONValue]

    /// Compares the notes of both peers; nil where there are none.
    package init(source: JSONValue?, target: JSONValue?) {
        let (source, target) = (source ?? .object([:]), target ?? .object([:]))
        let (ours, theirs) = (Self.history(source), Self.history(target))
        if Self.areSameSession(source, target) {
            let (here, there) = (Self.lastSequence(source), Self.lastSequence(target))
            sequence = here.isAhead(of: there) ? there : here
            history = ours
        } else {
            history = Self.common(ours[...], theirs[...])
            sequence =
                history.first.map { SourceSequence($0["recorded_seq"] ?? $0["last_seq"] ?? 0) } ?? .zero
        }
    }

    /// The newest session that both know, and those before it.
    private static func common(_ source: ArraySlice<JSONValue>, _ target: ArraySlice<JSONValue>)
        -> [JSONValue]
    {
        var (source, target) = (source, target)
        while let ours = source.first, let theirs = target.first {
            if target.contains(where: { areSameSession(ours, $0) }) { return Array(source) }
            (source, target) = (source.dropFirst(), target.dropFirst())
            if source.contains(where: { areSameSession(theirs, $0) }) { return [theirs] + Array(target) }
        }
        return []
    }

    /// PouchDB notes `last_seq`.
    private static func lastSequence(_ notes: JSONValue) -> SourceSequence {
        SourceSequence(notes["source_last_seq"] ?? notes["last_seq"] ?? 0)
    }

    private static func history(_ notes: JSONValue) -> [JSONValue] {
        (notes["history"]?.array ?? []).filter { $0.object != nil }
    }

    private static func areSameSession(_ left: JSONValue, _ right: JSONValue) -> Bool {
        guard let ours = left["session_id"], ours.string != nil else { return false }
        return ours == right["session_id"]
    }
}
