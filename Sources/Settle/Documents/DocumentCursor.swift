// Walking over all documents in order of id, forwards or backwards, without allocating anything per row.
//
//     var rows = try snapshot.documentCursor()
//     var found = try rows.seek(atLeast: "m")
//     while found {
//         rows.appendID(to: &output)
//         found = try rows.next()
//     }
//
// Deleted documents are rows like any others: ask `isDeleted`. What a row says is decoded once, when the cursor moves
// onto it.

package import SettleCore
import SettleStorage

/// A place among the documents of a snapshot.
package struct DocumentCursor: ~Copyable, ~Escapable {
    private var rows: TextCursor
    private var bodies: Cursor
    private var summary: DocumentSummary?

    @_lifetime(borrow snapshot)
    init(_ snapshot: borrowing Snapshot) throws(StorageError) {
        let documents = try snapshot.transaction.cursor(snapshot.tables.documents)
        let bodies = try snapshot.transaction.cursor(snapshot.tables.bodies)
        rows = documents
        self.bodies = bodies
    }

    // MARK: Moves; each returns whether there is a row

    package mutating func first() throws -> Bool { try settle(rows.first()) }
    package mutating func last() throws -> Bool { try settle(rows.last()) }
    package mutating func next() throws -> Bool { try settle(rows.next()) }
    package mutating func previous() throws -> Bool { try settle(rows.previous()) }

    /// Goes to the first document whose id is not less.
    package mutating func seek(atLeast id: DocumentID) throws -> Bool {
        try settle(rows.seek(atLeast: id.bytes))
    }

    /// Goes to the last document whose id is not greater.
    package mutating func seek(atMost id: DocumentID) throws -> Bool {
        try settle(rows.seek(atMost: id.bytes))
    }

    private mutating func settle(_ found: Bool) throws -> Bool {
        summary = found ? try DocumentSummary(decoding: rows.value) : nil
        return found
    }

    // MARK: The row

    package var isDeleted: Bool { summary?.isDeleted ?? true }
    package var sequence: UInt64 { summary?.sequence ?? 0 }
    package var revision: RevisionID { summary?.winner ?? RevisionID(0, RevisionDigest(high: 0, low: 0)) }

    package var id: DocumentID {
        var bytes: [UInt8] = []
        bytes.append(rows.key)
        return DocumentID(bytes: bytes)
    }

    /// Appends the id as a JSON string.
    package func appendID(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        let start = output.count
        output.append(rows.key)
        JSONText.closeString(from: start, in: &output)
    }

    /// Appends the winner's revision, without quotes.
    package func appendRevision(to output: inout [UInt8]) {
        summary?.winner.append(to: &output)
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
        guard let summary else { return }
        guard options.isEmpty else {
            return try snapshot.appendWinner(id, options, to: &output)
        }
        output.append(contentsOf: documentStart)
        appendID(to: &output)
        try bodies.appendBody(summary.body, of: summary.winner, isDeleted: summary.isDeleted, to: &output)
    }
}

extension Cursor {
    /// Appends `,"_rev":…`, the body's members and the closing brace.
    ///
    /// The cursor stands in `bodies`: documents written one after the other have neighbouring bodies, and a
    /// short move is cheaper than a search from the root.
    @_lifetime(self: copy self)
    mutating func appendBody(
        _ body: UInt64,
        of revision: RevisionID,
        isDeleted: Bool,
        to output: inout [UInt8]
    ) throws {
        output.append(contentsOf: revisionStart)
        revision.append(to: &output)
        output.append(UInt8(ascii: "\""))
        if body >= BodyNumber.first {
            // A winner's body is never forgotten.
            guard try seek(exactly: body) else { throw StorageError.corrupted }
            let attachments = try output.appendMembers(ofBody: value)
            if isDeleted { output.append(contentsOf: deletedMember) }
            if !attachments.isEmpty { AttachmentsMember.appendStubs(attachments, to: &output) }
        } else if isDeleted {
            output.append(contentsOf: deletedMember)
        }
        output.append(UInt8(ascii: "}"))
    }
}

extension JSONText {
    /// Closes a string whose raw UTF-8 was appended from `start` on, escaping it where it needs that.
    package static func closeString(from start: Int, in output: inout [UInt8]) {
        var isPlain = true
        for byte in output[start...] where byte < 0x20 || byte == 0x22 || byte == 0x5c || byte >= 0x7f {
            isPlain = false
            break
        }
        if isPlain {
            output.append(UInt8(ascii: "\""))
            return
        }
        let raw = Array(output[start...])
        output.removeSubrange((start - 1)...)
        appendString(raw, to: &output)
    }
}

extension Snapshot {
    /// A cursor before the first document.
    @_lifetime(borrow self)
    package borrowing func documentCursor() throws -> DocumentCursor { try DocumentCursor(self) }
}
