// Walking over the changes in order of sequence: each document once, at its latest.

package import SettleCore
import SettleStorage

/// A place among the changes of a snapshot; see `DocumentCursor` for how to use one.
package struct ChangesCursor: ~Copyable, ~Escapable {
    private var rows: Cursor
    private var bodies: Cursor
    private var row: ChangeRow?

    @_lifetime(borrow snapshot)
    init(_ snapshot: borrowing Snapshot) throws(StorageError) {
        let changes = try snapshot.transaction.cursor(snapshot.tables.changes)
        let bodies = try snapshot.transaction.cursor(snapshot.tables.bodies)
        rows = changes
        self.bodies = bodies
    }

    /// Goes to the first change after a sequence.
    package mutating func seek(after sequence: UInt64) throws -> Bool {
        try settle(sequence < .max && rows.seek(atLeast: sequence + 1))
    }

    /// Goes to the last change before a sequence: where a descending feed goes on.
    package mutating func seek(before sequence: UInt64) throws -> Bool {
        guard try rows.seek(atLeast: sequence) else { return try settle(rows.last()) }
        return try settle(rows.previous())
    }

    package mutating func last() throws -> Bool { try settle(rows.last()) }
    package mutating func next() throws -> Bool { try settle(rows.next()) }
    package mutating func previous() throws -> Bool { try settle(rows.previous()) }

    private mutating func settle(_ found: Bool) throws -> Bool {
        row = found ? try ChangeRow(decoding: rows.value) : nil
        return found
    }

    package var sequence: UInt64 { rows.integerKey }
    package var isDeleted: Bool { row?.flags.contains(.deleted) ?? false }
    /// Whether the document has more than one leaf, deleted ones included.
    package var isBranched: Bool { row?.flags.contains(.branched) ?? false }
    package var revision: RevisionID { row?.winner ?? RevisionID(0, RevisionDigest(high: 0, low: 0)) }

    package var id: DocumentID {
        guard let row else { return DocumentID(bytes: []) }
        return DocumentID(bytes: [UInt8](rows.value.extracting(row.idOffset..<rows.value.count)))
    }

    /// Appends the document's id as a JSON string.
    package func appendID(to output: inout [UInt8]) {
        guard let row else { return }
        output.append(UInt8(ascii: "\""))
        let start = output.count
        output.append(rows.value.extracting(row.idOffset..<rows.value.count))
        JSONText.closeString(from: start, in: &output)
    }

    /// Whether the document is a design document.
    package var isDesign: Bool {
        guard let row, rows.value.count - row.idOffset >= 8 else { return false }
        for (index, byte) in "_design/".utf8.enumerated() where rows.value[row.idOffset + index] != byte {
            return false
        }
        return true
    }

    /// Appends the winner's revision, without quotes.
    package func appendRevision(to output: inout [UInt8]) {
        row?.winner.append(to: &output)
    }

    /// Appends the winner as a JSON object; a tombstone with `_deleted`.
    ///
    /// Content for which there is no room is left out.
    package mutating func appendDocument(
        _ options: DocumentOptions,
        in snapshot: borrowing Snapshot,
        to output: inout SegmentedBytes
    ) throws {
        guard options.contains(.attachments) else {
            return try appendDocument(options, in: snapshot, to: &output.bytes)
        }
        try snapshot.appendWinner(id, options, to: &output)
    }

    /// Appends the winner as a JSON object, whole.
    package mutating func appendDocument(
        _ options: DocumentOptions = [],
        in snapshot: borrowing Snapshot,
        to output: inout [UInt8]
    ) throws {
        guard let row else { return }
        guard options.isEmpty else {
            return try snapshot.appendWinner(id, options, to: &output)
        }
        output.append(contentsOf: documentStart)
        appendID(to: &output)
        try bodies.appendBody(
            row.body,
            of: row.winner,
            isDeleted: row.flags.contains(.deleted),
            to: &output
        )
    }

    /// All leaves of the document, winner first, then descending: `style=all_docs`.
    package func leaves(in snapshot: borrowing Snapshot) throws -> [RevisionID] {
        guard isBranched else { return [revision] }
        guard let record = try snapshot.document(id) else { return [revision] }
        return record.head.leaves.map { record.head.nodes[$0].revision }
    }
}

extension Snapshot {
    /// A cursor before the first change.
    @_lifetime(borrow self)
    package borrowing func changesCursor() throws -> ChangesCursor { try ChangesCursor(self) }
}
