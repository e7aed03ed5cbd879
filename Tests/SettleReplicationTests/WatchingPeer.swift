import SettleCore
import Synchronization

@testable import SettleReplication

/// The names of the attachments whose content a target was given, revision by revision.
final class WatchedContents: Sendable {
    private let names = Mutex<[[String]]>([])

    var contents: [[String]] { names.withLock { $0 } }

    func note(_ revision: AttachedRevision) {
        names.withLock { $0.append(revision.following.map(\.nameText)) }
    }
}

/// A peer that does what another one does, and notes what content it is given.
struct WatchingPeer: ForwardingPeer {
    let peer: any Peer
    private let watched: WatchedContents

    init(_ peer: any Peer, _ watched: WatchedContents) {
        self.peer = peer
        self.watched = watched
    }

    func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        for document in documents { watched.note(document.revision) }
        return try await peer.writeAttached(documents)
    }
    func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection? {
        watched.note(revision)
        return try await peer.take(revision, of: id, from: channel)
    }
}
