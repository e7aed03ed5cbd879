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
    /// What the databases said of themselves when the run began.
    let information: (source: PeerInformation, target: PeerInformation)

    /// Reads what both peers have noted.
    init(
        name: String,
        source: any Peer,
        target: any Peer,
        retries: Int,
        information: (source: PeerInformation, target: PeerInformation)
    ) async throws(PeerFailure) {
        (self.name, self.source, self.target, self.information) = (name, source, target, information)
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

    /// What is known of both databases; their notes are part of it if this replication keeps any.
    func known(withNotes usesCheckpoints: Bool) -> KnownPeers {
        KnownPeers(
            source: information.source.identity(usesCheckpoints ? sourceNotes : nil),
            target: information.target.identity(usesCheckpoints ? targetNotes : nil),
            notes: usesCheckpoints ? name : nil
        )
    }

    /// Writes the notes to both peers, after making sure that what they say is durable, and that both are what they were.
    ///
    /// One that was deleted and made again has not what the notes would say.
    mutating func save(
        _ document: JSONObject,
        readUpTo position: SourceSequence
    ) async throws(PeerFailure) {
        let (source, target, known) = (source, target, known(withNotes: true))
        async let ours = attempt { () async throws(PeerFailure) in try await source.ensureFullCommit() }
        async let theirs = attempt { () async throws(PeerFailure) in try await target.ensureFullCommit() }
        async let verified = attempt { () async throws(PeerFailure) in
            try await known.verify(source, target, readUpTo: position)
        }
        try Self.check(try await ours.get(), information.source.incarnation, source)
        try Self.check(try await theirs.get(), information.target.incarnation, target)
        try await verified.get()
        sourceNotes = try await Self.write(source, name, document, replacing: sourceNotes)
        targetNotes = try await Self.write(target, name, document, replacing: targetNotes)
    }

    /// A server that has started again since may have lost what was written, and says so by another incarnation.
    private static func check(_ now: String, _ before: String, _ peer: any Peer) throws(PeerFailure) {
        guard now == before || now == "0" || before == "0" else {
            throw KnownPeers.failure(.recreated, peer)
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
