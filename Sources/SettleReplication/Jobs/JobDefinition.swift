import SettleCore

/// Names a document that asks for a replication.
struct JobOrigin: Hashable, Sendable {
    let database: String
    let document: DocumentID
}

/// What a job is asked to do, by whom.
struct JobDefinition: Hashable, Sendable {
    let name: ReplicationID
    let options: ReplicationOptions
    /// The document that asks for it; nil for a job of `POST /_replicate`, which is forgotten when it ends.
    let origin: JobOrigin?
    let user: String?
    /// When it was asked for, in seconds since 1970.
    let startedAt: Int

    var id: ReplicationScheduler.JobID { name.text }

    /// Who shares time with it.
    var group: FairShares.Group { origin?.database ?? user ?? "" }
}

/// A job on the list of a server.
struct JobEntry: Sendable {
    /// Why a session was told to end.
    enum Ending: Sendable {
        /// Others wait.
        case rotation
        /// It has nothing to do, and its databases are watched.
        case idleness
        /// Nobody wants the job any more.
        case cancellation
        /// The server shuts down.
        case shutdown
    }

    let definition: JobDefinition
    /// The session, while there is one.
    var session: Replication?
    var ending: Ending?
    /// How it stood when the last session ended.
    var lastStatus: ReplicationStatus?
    /// What it knew of its databases then.
    var known: KnownPeers?
    /// Whether somebody tells if the target is deleted or made again.
    var isTargetWatched = false
    /// Counts changes of the session's state, to tell whether it has been idle all the time.
    var stateChanges = 0
    /// Those who wait for the answer of `POST /_replicate`.
    var waiters: [CheckedContinuation<Result<ReplicationResult, SettleError>, Never>] = []
    /// Those who wait until the job is gone.
    var mourners: [CheckedContinuation<Void, Never>] = []
    /// What takes the job's place when it is gone.
    var successor: JobDefinition?

    init(_ definition: JobDefinition) {
        self.definition = definition
    }

    /// How the job stands; nil if it never ran.
    var status: ReplicationStatus? { session?.status ?? lastStatus }
}

/// A document of a replicator database whose job is wanted.
struct DocumentEntry: Sendable {
    enum State: Sendable {
        /// The job's name is being found out, which may need the source's filter.
        case naming
        /// It could not be, for now.
        case error(reason: String)
        /// It is on the list of jobs.
        case scheduled(ReplicationScheduler.JobID)
    }

    let options: ReplicationOptions
    let user: String?
    var state = State.naming
    var errors = 0
    /// When it was asked for, and when its state last changed, in seconds since 1970.
    let startedAt: Int
    var updatedAt: Int
    /// Tells this wish from an earlier one of the same document.
    let turn: Int
}
