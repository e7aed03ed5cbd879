// Where a replication's notes are kept: a local document of the same name in both peers.
//
// The source is written first, then the target. A crash in between leaves two documents that differ in their newest
// session; the comparison at the next start then goes back to the session before, which copies a little twice and loses
// nothing.

import SettleCore

/// The local documents of a replication in both peers.
struct CheckpointStore: Sendable {
    let name: String
    let source: any Peer
    let target: any Peer
    /// The documents as last read or written, `_rev` included.
    private(set) var sourceNotes: JSONObject?
    private(set) var targetNotes: JSONObject?
    /// What identified the databases when the run began.
    let incarnations: (source: String, target: String)

    /// Reads what both peers have noted.
    init(
        name: String,
        source: any Peer,
        target: any Peer,
        retries: Int,
        incarnations: (source: String, target: String)
    ) async throws(PeerFailure) {
        (self.name, self.source, self.target, self.incarnations) = (name, source, target, incarnations)
        async let ours = attempt(retrying: retries) { () async throws(PeerFailure) in
            try await source.localDocument(name)
        }
        async let theirs = attempt(retrying: retries) { () async throws(PeerFailure) in
            try await target.localDocument(name)
        }
        sourceNotes = try await ours.get()
        targetNotes = try await theirs.get()
    }

    /// Where to start, according to the notes of both.
    var comparison: CheckpointComparison {
        CheckpointComparison(source: sourceNotes.map { .object($0) }, target: targetNotes.map { .object($0) })
    }

    /// Writes the notes to both peers, after making sure that what they say is durable.
    mutating func save(_ document: JSONObject) async throws(PeerFailure) {
        let (source, target) = (source, target)
        async let ours = attempt { () async throws(PeerFailure) in try await source.ensureFullCommit() }
        async let theirs = attempt { () async throws(PeerFailure) in try await target.ensureFullCommit() }
        try Self.check(try await ours.get(), incarnations.source, source)
        try Self.check(try await theirs.get(), incarnations.target, target)
        sourceNotes = try await Self.write(source, name, document, replacing: sourceNotes)
        targetNotes = try await Self.write(target, name, document, replacing: targetNotes)
    }

    /// Makes sure that a database is still the one that was written to.
    ///
    /// One that was deleted and made again has not what the notes would say. Some servers always answer "0".
    private static func check(_ now: String, _ before: String, _ peer: any Peer) throws(PeerFailure) {
        guard now == before || now == "0" || before == "0" else {
            throw PeerFailure(
                .malformedAnswer,
                name: "checkpoint_commit_failure",
                reason: "\(peer.shownName) has been deleted and created again."
            )
        }
    }

    private static func write(
        _ peer: any Peer,
        _ name: String,
        _ document: JSONObject,
        replacing old: JSONObject?
    ) async throws(PeerFailure) -> JSONObject {
        var document = document
        document["_rev"] = old?["_rev"]
        do throws(PeerFailure) {
            document["_rev"] = .string(try await peer.saveLocalDocument(name, document))
            return document
        } catch {
            guard error.status == 409 else { throw error }
            // Perhaps it was written and only the answer was lost.
            guard let found = try await peer.localDocument(name),
                found["session_id"] == document["session_id"],
                found["source_last_seq"] == document["source_last_seq"]
            else { throw error }
            return found
        }
    }
}
