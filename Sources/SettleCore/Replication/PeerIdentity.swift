// Whether a database is still the one that a replication has come to know.
//
// A database that was deleted and made again, or put back from a backup, has its old name and not its old content. A
// replication that goes on with it as if nothing had happened leaves out what it believes to be there. Three things tell:
//
// | what is looked at                         | it tells of                   | it can't tell             |
// |-------------------------------------------|-------------------------------|---------------------------|
// | the incarnation: when it was made         | deleted and made again        | where it is always "0"    |
// | the update sequence of a source           | put back: we have read beyond | once it has caught up     |
// | our notes in it, `_local/…`               | both: they are gone, or older | before there are any      |
//
// The subtle thing is what a wrong alarm costs: a new session, which begins where both databases' notes agree. So whoever
// is not sure says that it is another one.

/// What tells a database from another one of the same name, and from itself at an earlier time.
package struct PeerIdentity: Hashable, Sendable {
    /// What a replication has noted in a database.
    package struct Notes: Hashable, Sendable {
        /// Everything up to here was copied.
        package let sequence: SourceSequence

        /// Reads the notes; nil if there are none.
        package init?(_ document: JSONObject?) {
            guard let document, document["session_id"]?.string != nil else { return nil }
            sequence = SourceSequence(document["source_last_seq"] ?? document["last_seq"] ?? 0)
        }
    }

    /// What has become of a database.
    package enum Change: String, Hashable, Sendable {
        /// It was deleted and made again.
        case recreated = "has been deleted and created again"
        /// It is as it was some time ago.
        case setBack = "has been set back to an earlier state"
    }

    /// What the database says of when it was made, such as `instance_start_time`; "0" says nothing.
    package let incarnation: String
    /// The sequence of its last change.
    package let updateSequence: SourceSequence
    /// What we have noted in it; nil if there is nothing, or if we note nothing.
    package var notes: Notes?

    package init(incarnation: String, updateSequence: SourceSequence, notes: Notes? = nil) {
        (self.incarnation, self.updateSequence, self.notes) = (incarnation, updateSequence, notes)
    }

    /// What has become of the database since it was as described here.
    ///
    /// - Parameters:
    ///   - now: How it is found now, with our notes in it if `notes` knows of any.
    ///   - position: How far it was read; nil if it is no source.
    /// - Returns: Nil if it is the same and has only grown.
    package func change(to now: PeerIdentity, readUpTo position: SourceSequence? = nil) -> Change? {
        if incarnation != now.incarnation, incarnation != "0", now.incarnation != "0" { return .recreated }
        if let ours = updateSequence.incarnation, let theirs = now.updateSequence.incarnation, ours != theirs
        {
            return .recreated
        }
        if let position, position.isBeyond(now.updateSequence) { return .setBack }
        guard let notes else { return nil }
        guard let found = now.notes else { return .recreated }
        return notes.sequence.isAhead(of: found.sequence) ? .setBack : nil
    }
}
