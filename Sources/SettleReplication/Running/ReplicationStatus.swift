// What can be seen of a replication while it runs, and what remains of it at the end.

public import SettleCore

/// A replication at one moment.
public struct ReplicationStatus: Hashable, Sendable {
    /// What a replication is doing.
    public enum State: String, Hashable, Sendable {
        /// Opening both databases and comparing notes.
        case initializing
        /// Copying.
        case running
        /// Waiting for changes.
        case idle
        /// Waiting to try again after a failure.
        case crashing
        /// Everything is copied, or listed as failed.
        case completed
        /// Somebody stopped it.
        case stopped
        /// It could not go on.
        case failed
    }

    /// What it is doing.
    public var state = State.initializing
    /// The counts, those of earlier sessions included.
    public var statistics = ReplicationStatistics()
    /// The newest documents that could not be copied, at most a thousand of them.
    public var failures: [DocumentFailure] = []
    /// How many documents have left the target since the replication was started, in a copy that retracts.
    public var documentsRetracted = 0
    /// How many changes the source has that were not read yet, if it says so.
    public var pendingChanges: Int?
    /// Documents written per second, lately.
    public var documentsPerSecond = 0.0
    /// Why it last failed.
    public var error: SettleError?
    /// How often it failed in a row.
    public var crashes = 0
    /// How often it began anew because a database was deleted and made again, or set back to an earlier state; the last time
    /// is what `error` tells of.
    public var restarts = 0
    /// When it was started, in seconds since 1970.
    public var startedAt: Int
    /// When anything last happened, in seconds since 1970.
    public var updatedAt: Int
    /// The last change that was read.
    package var position = SourceSequence.zero
    /// Everything up to here is done.
    package var through = SourceSequence.zero
    /// Everything up to here is done, and both databases have it noted.
    package var committed = SourceSequence.zero
    /// What earlier sessions made leave.
    var retractedBefore = 0

    init(startedAt: Int) {
        self.startedAt = startedAt
        updatedAt = startedAt
    }

    /// Takes over what a session reports.
    mutating func take(_ progress: ReplicationSession.Progress) {
        statistics = progress.statistics
        failures = progress.failures
        pendingChanges = progress.pending
        documentsRetracted = retractedBefore + progress.retracted
        (position, through, committed) = (progress.position, progress.through, progress.committed)
        state = progress.isIdle ? .idle : .running
    }
}

/// What a replication has come to.
public struct ReplicationResult: Hashable, Sendable {
    /// Whether it was stopped before everything was copied.
    public let wasStopped: Bool
    /// The counts, those of earlier sessions included.
    public let statistics: ReplicationStatistics
    /// The newest documents that could not be copied, at most a thousand of them.
    public let failures: [DocumentFailure]
    /// How many documents left the target, in a copy that retracts.
    public let documentsRetracted: Int
    /// What CouchDB's `_replicate` answers: session, sequences and history.
    public let answer: JSONObject
}
