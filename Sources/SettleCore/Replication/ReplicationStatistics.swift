// What a replication counts, under the names that CouchDB's checkpoints and `_active_tasks` use.
//
// The subtle thing: the counts of one job go on over its sessions. A job that finds its last checkpoint starts from the
// counts noted there, so `docs_written` in the newest history entry is the total since the job first ran.

/// The counts of a replication since its first session.
public struct ReplicationStatistics: Hashable, Sendable {
    /// Revisions that the source named.
    public var missingChecked = 0
    /// Revisions among them that the target did not have.
    public var missingFound = 0
    /// Documents (revisions) read from the source.
    public var documentsRead = 0
    /// Documents (revisions) that the target took.
    public var documentsWritten = 0
    /// Documents that could not be copied.
    public var documentWriteFailures = 0
    /// Documents that arrived through `_bulk_get`.
    public var bulkGetDocuments = 0
    /// Documents that were asked for through `_bulk_get`.
    public var bulkGetAttempts = 0

    /// Everything at zero.
    public init() {}

    /// The counts with their names in a checkpoint's history, in CouchDB's order.
    package static let checkpointMembers: [(name: String, path: any WritableKeyPath<Self, Int> & Sendable)] =
        [
            ("missing_checked", \.missingChecked),
            ("missing_found", \.missingFound),
            ("docs_read", \.documentsRead),
            ("docs_written", \.documentsWritten),
            ("doc_write_failures", \.documentWriteFailures),
            ("bulk_get_docs", \.bulkGetDocuments),
            ("bulk_get_attempts", \.bulkGetAttempts),
        ]
}
