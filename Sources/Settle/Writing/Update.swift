// One write transaction of a database: the requests of a group, performed one after the other.
//
// Everything that can fail about a document is decided before its first put, so a refused document never disturbs its
// neighbours; what throws is the storage itself, and then the whole group is given up.
//
// The counters and the counts of blocks are changed in memory and written once, by `finish`.

import SettleCore
import SettleStorage

/// A write transaction with the state it changes.
struct Update: ~Copyable {
    let transaction: WriteTransaction
    let tables: Tables
    let options: StoreOptions
    var state: DatabaseState
    let stateBefore: DatabaseState
    var revisionsLimit: UInt64
    var sequenceCounts = SequenceCounts()
    var documentCounts: DocumentCounts
    /// Whether there is anything to commit.
    var hasChanges = false
    /// How many documents were changed.
    var edits = 0
    /// The next body's number before the document at hand was written.
    var bodiesBefore: UInt64
    /// The blobs of the edit at hand.
    var blobsOfEdit: Set<BlobKey> = []
    /// Files that lost their last use, and whether any was added.
    var removedFiles: [UInt64] = []
    var hasAddedFiles = false
    /// Files that lost it earlier and are there still, where nobody else sees to them.
    var inheritedFiles: [UInt64] = []
    /// The database's directory.
    let directory: String
    /// The generation that is written to.
    let open: OpenEnvironment
    /// The life of the database, which the version of its rules belongs to.
    var incarnation: UInt32 { open.identity.incarnation }
    /// Whether nothing is known of what the transactions before this one did.
    let isFirst: Bool
    /// Whether to look for what killed processes have left among the files of attachments.
    let sweepsFiles: Bool
    /// Reused for every row that is put together.
    var scratch: [UInt8] = []

    init(
        _ transaction: consuming WriteTransaction,
        _ open: OpenEnvironment,
        directory: String,
        options: StoreOptions,
        documentCounts: DocumentCounts?,
        sweepsFiles: Bool
    ) throws {
        let tables = open.tables
        let state = try MetaRows.state(transaction.reading, tables)
        let limit = try MetaRows.revisionsLimit(transaction.reading, tables)
        let counts = try documentCounts ?? DocumentCounts(transaction.reading, tables.counts)
        self.state = state
        stateBefore = state
        bodiesBefore = state.nextBody
        revisionsLimit = limit
        self.documentCounts = counts
        isFirst = documentCounts == nil
        self.sweepsFiles = sweepsFiles
        self.directory = directory
        self.open = open
        self.options = options
        self.tables = tables
        self.transaction = transaction
    }

    /// Performs a request; nil if its documents must be validated again.
    mutating func perform(_ request: WriteRequest, _ clearance: WriteClearance?) throws -> WriteResult? {
        switch request {
        case .edits(let edits, _):
            guard let clearance, try holds(clearance, for: edits) else { return nil }
            return .edits(try apply(edits))
        case .local(let id, let body, let revision): return try putLocal(id, body, revision)
        case .purge(let targets): return try purge(targets)
        case .revisionsLimit(let limit):
            try putSetting(MetaKey.revisionsLimit, number: UInt64(limit))
            revisionsLimit = UInt64(limit)
            return .done
        case .purgedInfosLimit(let limit):
            try putSetting(MetaKey.purgedInfosLimit, number: UInt64(limit))
            return .done
        case .security(let text):
            try transaction.put(tables.meta, MetaKey.security, text)
            state.rulesVersion += 1
            hasChanges = true
            return .done
        case .forgetSuperseded(let steps):
            try forgetSuperseded(downTo: 0, steps: steps)
            return .done
        }
    }

    private mutating func putSetting(_ key: [UInt8], number: UInt64) throws {
        var bytes: [UInt8] = []
        appendVarint(number, to: &bytes)
        try transaction.put(tables.meta, key, bytes)
        hasChanges = true
    }

    private mutating func putLocal(_ id: DocumentID, _ body: [UInt8]?, _ revision: UInt64?) throws
        -> WriteResult
    {
        let key = LocalRow.key(id)
        guard let body else {
            guard try transaction.delete(tables.local, key) else { return .localMissing }
            hasChanges = true
            return .local(0)
        }
        let next = (revision ?? 0) + 1
        try transaction.put(tables.local, key, LocalRow(revision: next, body: body).encoded)
        hasChanges = true
        return .local(next)
    }

    /// Writes what was kept in memory, and forgets old bodies that are due.
    mutating func finish() throws {
        try forgetSuperseded(
            downTo: options.supersededBytesKept(beside: state.liveBytes),
            steps: 2 * edits + 16
        )
        try sequenceCounts.write(transaction, tables.counts)
        try documentCounts.write(transaction, tables)
        try settleFiles()
        try transaction.put(tables.meta, MetaKey.state, state.encoded)
    }
}

extension Update {
    /// Deletes the bodies that have been off the leaves for longest, until at most `limit` bytes of them are
    /// left or `steps` updates' worth are gone.
    ///
    /// Spread over ordinary commits, it takes the place of compaction.
    mutating func forgetSuperseded(downTo limit: UInt64, steps: Int) throws {
        var left = steps
        while state.supersededBytes > limit, left > 0 {
            var row = SupersededRow()
            let sequence: UInt64
            do {
                var cursor = try transaction.reading.cursor(tables.superseded)
                guard try cursor.first() else {
                    state.supersededBytes = 0
                    return
                }
                sequence = cursor.integerKey
                row = try SupersededRow(decoding: cursor.value)
            }
            for body in row.bodies {
                _ = try deleteBody(body.number)
                state.supersededBytes -= min(body.size, state.supersededBytes)
            }
            _ = try transaction.delete(tables.superseded, sequence)
            hasChanges = true
            left -= 1
        }
    }
}
