// One consistent view of a database: what a reader sees from the moment it began, whatever is written meanwhile.
//
// A snapshot lives only inside `Database.read` and holds an LMDB reader, so keep it short: produce a piece, let go, and
// go on after the last key in a fresh one.

package import SettleCore
import SettleStorage

/// A read transaction and what is needed to make sense of its bytes.
package struct Snapshot: ~Copyable {
    let transaction: ReadTransaction
    let open: OpenEnvironment
    let database: Database
    var tables: Tables { open.tables }

    init(_ transaction: consuming ReadTransaction, _ open: OpenEnvironment, _ database: Database) {
        self.transaction = transaction
        self.open = open
        self.database = database
    }

    var life: EnvironmentLife {
        get throws { try MetaRows.life(transaction, tables) }
    }
}

/// What `GET /db` tells.
package struct DatabaseInfo: Sendable {
    package var name: String
    package var uuid: String
    /// Microseconds since 1970.
    package var created: UInt64
    package var documentCount: Int
    package var deletedCount: Int
    package var updateSequence: UInt64
    package var purgeSequence: UInt64
    /// Bytes of the file in use.
    package var fileSize: Int
    /// Bytes of the bodies of all leaves, and of all attachments.
    package var activeSize: Int
    package var revisionsLimit: Int
    package var purgedInfosLimit: Int
}

extension Snapshot {
    package var state: DatabaseState {
        get throws { try MetaRows.state(transaction, tables) }
    }

    package var info: DatabaseInfo {
        get throws {
            let state = try state
            return DatabaseInfo(
                name: database.name,
                uuid: open.identity.uuid,
                created: open.identity.created,
                documentCount: Int(state.documentCount),
                deletedCount: Int(state.deletedCount),
                updateSequence: state.sequence,
                purgeSequence: state.purgeSequence,
                fileSize: open.environment.usedBytes,
                activeSize: Int(state.liveBytes + state.blobBytes),
                revisionsLimit: Int(try MetaRows.revisionsLimit(transaction, tables)),
                purgedInfosLimit: Int(try MetaRows.purgedInfosLimit(transaction, tables))
            )
        }
    }

    /// The security object's JSON text, as last put; what holds for a new database if never.
    package var security: [UInt8] {
        get throws {
            try transaction.bytes(tables.meta, MetaKey.security) ?? Array(SecurityObject.usual.utf8)
        }
    }

    /// How many rows of `changes` come after a sequence: `pending`.
    package func changes(after sequence: UInt64) throws -> Int {
        try SequenceCounts.rows(after: sequence, transaction, tables)
    }

    /// How many live documents have an id less than this one: `offset`.
    package func liveDocuments(before id: DocumentID) throws -> Int {
        try DocumentCounts.live(before: id.bytes, transaction, tables)
    }

    /// The live document with `rank` live ones before it: where `skip` leads.
    ///
    /// Nil if there are not that many.
    package func liveDocument(at rank: Int) throws -> DocumentID? {
        try DocumentCounts.live(at: rank, transaction, tables).map { DocumentID(bytes: $0) }
    }

    /// The purges after a purge sequence, oldest first.
    package func purges(after sequence: UInt64, limit: Int = .max) throws -> [PurgeRecord] {
        var records: [PurgeRecord] = []
        var cursor = try transaction.cursor(tables.purges)
        var found = try cursor.seek(atLeast: sequence + 1)
        while found, records.count < limit {
            records.append(try PurgeRecord(sequence: cursor.integerKey, decoding: cursor.value))
            found = try cursor.next()
        }
        return records
    }
}

// MARK: Sequences on the wire

extension Snapshot {
    /// A sequence as clients see it: `N-<8 hex digits of the incarnation>`.
    package func sequenceToken(_ sequence: UInt64) -> String {
        SequenceToken(sequence: sequence, incarnation: open.identity.incarnation).text
    }

    /// The sequence that a client's token stands for; nil if it is malformed.
    ///
    /// One of another incarnation, or from beyond the present, stands for the beginning: better to send again
    /// than to leave out.
    package func sequence(fromToken text: some StringProtocol) throws -> UInt64? {
        guard let token = SequenceToken(text: text) else { return nil }
        let isOurs = token.incarnation.map { $0 == open.identity.incarnation } ?? true
        return try isOurs && token.sequence <= state.sequence ? token.sequence : 0
    }
}
