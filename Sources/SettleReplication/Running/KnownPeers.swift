// What a replication knows of its two databases, to see later whether they are still the same (`PeerIdentity` says how that
// is told).

import SettleCore

/// Both databases of a replication as they were when it last looked.
struct KnownPeers: Hashable, Sendable {
    let source: PeerIdentity
    let target: PeerIdentity
    /// The name of the replication's notes; nil if it keeps none.
    let notes: String?

    /// Looks at both databases again.
    ///
    /// - Parameters:
    ///   - source: The source.
    ///   - target: The target.
    ///   - position: How far the source was read.
    /// - Throws: A failure of the kind `replaced` if one of them is not what it was.
    func verify(
        _ source: any Peer,
        _ target: any Peer,
        readUpTo position: SourceSequence? = nil
    ) async throws(PeerFailure) {
        let notes = notes
        async let ours = Self.look(at: source, notes)
        async let theirs = Self.look(at: target, notes)
        let here = try await ours.get()
        let there = try await theirs.get()
        if let change = self.source.change(to: here, readUpTo: position) {
            throw Self.failure(change, source)
        }
        if let change = self.target.change(to: there) { throw Self.failure(change, target) }
    }

    /// The failure that says what has become of a database.
    static func failure(_ change: PeerIdentity.Change, _ peer: any Peer) -> PeerFailure {
        PeerFailure(
            .replaced,
            name: "checkpoint_commit_failure",
            reason: "\(peer.shownName) \(change.rawValue)."
        )
    }

    private static func look(at peer: any Peer, _ notes: String?) async -> Result<PeerIdentity, PeerFailure> {
        await attempt { () async throws(PeerFailure) in
            // The notes first: if the database is replaced in between, its incarnation tells.
            var found: JSONObject?
            if let notes { found = try await peer.localDocument(notes) }
            return try await peer.information().identity(found)
        }
    }
}
