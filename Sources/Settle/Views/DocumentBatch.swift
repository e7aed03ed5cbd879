// A batch of documents as map functions see them, and reading one out of a snapshot.

import SettleCore
import SettleStorage

/// Documents on their way to being mapped.
struct DocumentBatch: Sendable {
    /// Documents and bytes that are mapped at once: a round trip to an engine each, memory held meanwhile.
    static let documentLimit = 100
    static let byteLimit = 1 << 20

    /// Documents to map, and their JSON texts.
    var ids: [[UInt8]] = []
    var texts: [[UInt8]] = []
    /// Documents that have no rows: deleted, purged, or not the view's business.
    var gone: [[UInt8]] = []
    private(set) var byteCount = 0

    var isFull: Bool { ids.count + gone.count >= Self.documentLimit || byteCount >= Self.byteLimit }
    var count: Int { ids.count + gone.count }

    mutating func append(_ id: [UInt8], _ text: [UInt8]) {
        ids.append(id)
        texts.append(text)
        byteCount += text.count
    }
}

extension Snapshot {
    /// Where the database stands.
    var position: DatabasePosition {
        get throws {
            let state = try state
            var oldest: UInt64?
            if state.purgeSequence > 0 {
                var cursor = try transaction.cursor(tables.purges)
                if try cursor.first() { oldest = cursor.integerKey }
            }
            return DatabasePosition(
                databaseUUID: Array(open.identity.uuid.utf8),
                incarnation: open.identity.incarnation,
                updateSequence: state.sequence,
                purgeSequence: state.purgeSequence,
                oldestPurge: oldest
            )
        }
    }

    /// Adds a document in its present state to a batch.
    func append(_ id: DocumentID, to batch: inout DocumentBatch, of group: ViewGroup) throws {
        guard let record = try document(id), !record.isDeleted,
            group.includesDesignDocuments || !id.isDesign
        else {
            batch.gone.append(id.bytes)
            return
        }
        var text: [UInt8] = []
        try appendWinner(id, group.documentOptions, to: &text)
        batch.append(id.bytes, text)
    }
}

extension ChangesCursor {
    /// Adds the change's document to a batch.
    mutating func append(
        to batch: inout DocumentBatch,
        of group: ViewGroup,
        in snapshot: borrowing Snapshot
    ) throws {
        guard !isDeleted, group.includesDesignDocuments || !isDesign else {
            batch.gone.append(id.bytes)
            return
        }
        var text: [UInt8] = []
        let options = isBranched || group.includesLocalSequence ? group.documentOptions : []
        try appendDocument(options, in: snapshot, to: &text)
        batch.append(id.bytes, text)
    }
}

extension ViewGroup {
    /// The members that map functions see beside a document's own.
    var documentOptions: DocumentOptions {
        includesLocalSequence
            ? [.conflicts, .deletedConflicts, .localSequence] : [.conflicts, .deletedConflicts]
    }
}
