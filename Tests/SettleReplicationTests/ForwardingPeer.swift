import SettleCore

@testable import SettleReplication

/// A peer that does what another one does, except for what a test writes differently.
protocol ForwardingPeer: Peer {
    var peer: any Peer { get }
}

extension ForwardingPeer {
    var shownName: String { peer.shownName }
    func information() async throws(PeerFailure) -> PeerInformation { try await peer.information() }
    func create(_ parameters: [NamedText]) async throws(PeerFailure) { try await peer.create(parameters) }
    func document(_ id: DocumentID) async throws(PeerFailure) -> JSONObject? { try await peer.document(id) }
    func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        try await peer.changes(query)
    }
    func missing(from rows: [ChangedDocument]) async throws(PeerFailure) -> [WantedRevision] {
        try await peer.missing(from: rows)
    }
    func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer {
        try await peer.fetch(wanted)
    }
    func fetchAlone(_ wanted: WantedRevision) async throws(PeerFailure) -> FetchAnswer {
        try await peer.fetchAlone(wanted)
    }
    func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        try await peer.write(documents)
    }
    func holds(_ attachments: [Attachment]) async throws(PeerFailure) -> Set<BlobKey> {
        try await peer.holds(attachments)
    }
    func fetchAttached(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> AttachedAnswer {
        try await peer.fetchAttached(questions, held: held)
    }
    func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        try await peer.writeAttached(documents)
    }
    func send(
        _ question: AttachedQuestion,
        held: Set<BlobKey>,
        to channel: RevisionChannel
    ) async throws(PeerFailure) {
        try await peer.send(question, held: held, to: channel)
    }
    func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection? {
        try await peer.take(revision, of: id, from: channel)
    }
    func localDocument(_ name: String) async throws(PeerFailure) -> JSONObject? {
        try await peer.localDocument(name)
    }
    func saveLocalDocument(_ name: String, _ document: JSONObject) async throws(PeerFailure) -> String {
        try await peer.saveLocalDocument(name, document)
    }
    func ensureFullCommit() async throws(PeerFailure) -> String { try await peer.ensureFullCommit() }
}
