// One side of a replication: a database here, or one behind a URL.
//
// The protocol is the replication protocol's list of requests, one round trip each. Whoever implements it answers with
// values and reports what went wrong as a `PeerFailure`; whether to try again, and how, is the replicator's decision.

package import SettleCore

/// A database that a replication reads from or writes to.
package protocol Peer: Sendable {
    /// How the peer is shown, without a password.
    var shownName: String { get }

    /// What the database says about itself; a 404 if there is none.
    func information() async throws(PeerFailure) -> PeerInformation
    /// Creates the database; one that exists already is fine.
    func create(_ parameters: [NamedText]) async throws(PeerFailure)
    /// A document's winning revision as JSON; nil if there is none.
    func document(_ id: DocumentID) async throws(PeerFailure) -> JSONObject?

    /// A page of changes.
    func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage
    /// Which of the rows' revisions the database does not have.
    func missing(from rows: [ChangedDocument]) async throws(PeerFailure) -> [WantedRevision]
    /// Documents by id and revision, with their ancestry, or newer ones.
    func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer
    /// One document by id and revision, for sources that can't give many at once.
    func fetchAlone(_ wanted: WantedRevision) async throws(PeerFailure) -> FetchAnswer
    /// Takes documents as they are, with their ancestry; answers with those it refused.
    func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection]

    /// Which of these attachments' content the database has already.
    func holds(_ attachments: [Attachment]) async throws(PeerFailure) -> Set<BlobKey>
    /// Documents with the content of their attachments, all in memory.
    ///
    /// Attachments that the ancestors have come as stubs; those whose content is `held`, as stubs that name it.
    func fetchAttached(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> AttachedAnswer
    /// Takes documents with their attachments as they are; answers with those it refused.
    func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection]
    /// Sends the leaves that a revision has become, with their attachments' content, until the channel wants no more.
    ///
    /// Attachments that the ancestors have are sent as stubs; those whose content is `held`, as stubs that name it.
    func send(
        _ question: AttachedQuestion,
        held: Set<BlobKey>,
        to channel: RevisionChannel
    ) async throws(PeerFailure)
    /// Takes a revision whose attachments' content is next in the channel; answers with why not, if it was refused.
    func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection?

    /// A local document, named without `_local/`, with `_rev`; nil if there is none.
    func localDocument(_ name: String) async throws(PeerFailure) -> JSONObject?
    /// Writes a local document, whose `_rev` is that of the one it replaces; answers with the new `_rev`.
    func saveLocalDocument(_ name: String, _ document: JSONObject) async throws(PeerFailure) -> String
    /// Makes what was written durable; answers with the database's incarnation.
    func ensureFullCommit() async throws(PeerFailure) -> String

    /// Something each time the database may have been deleted or made again; nil where nobody tells.
    func replacements() -> AsyncStream<Void>?
}

extension Peer {
    package func replacements() -> AsyncStream<Void>? { nil }
}

/// What a replication wants to know of a database before it begins.
package struct PeerInformation: Hashable, Sendable {
    /// Whether there is not a single document, deleted ones included.
    package let isEmpty: Bool
    /// The sequence of its last change.
    package let updateSequence: SourceSequence
    /// What tells this database from another one of the same name, such as the time it was created.
    package let incarnation: String

    package init(isEmpty: Bool, updateSequence: SourceSequence, incarnation: String) {
        self.isEmpty = isEmpty
        self.updateSequence = updateSequence
        self.incarnation = incarnation
    }

    /// What tells the database from others of its name, with what we have noted in it.
    func identity(_ notes: JSONObject?) -> PeerIdentity {
        PeerIdentity(
            incarnation: incarnation,
            updateSequence: updateSequence,
            notes: PeerIdentity.Notes(notes)
        )
    }
}

/// Which changes to read.
package struct ChangesRequest: Hashable, Sendable {
    /// Those after this sequence.
    package var since: SourceSequence
    /// So many at most.
    package var limit: Int
    /// Whether to answer only when there is one, or after a while.
    package var waits: Bool
    /// Whether to name only the winner of each document, not every leaf.
    package var winnersOnly: Bool
    package var selection: ReplicationOptions.Selection

    package init(
        since: SourceSequence,
        limit: Int,
        waits: Bool = false,
        winnersOnly: Bool = false,
        selection: ReplicationOptions.Selection = .everything
    ) {
        self.since = since
        self.limit = limit
        self.waits = waits
        self.winnersOnly = winnersOnly
        self.selection = selection
    }
}
