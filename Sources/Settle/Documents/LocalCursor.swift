// Walking over the local documents in order of id.

package import SettleCore
import SettleStorage

/// A place among the local documents of a snapshot; see `DocumentCursor` for how to use one.
package struct LocalCursor: ~Copyable, ~Escapable {
    private var rows: TextCursor

    @_lifetime(borrow snapshot)
    init(_ snapshot: borrowing Snapshot) throws(StorageError) {
        rows = try snapshot.transaction.cursor(snapshot.tables.local)
    }

    package mutating func first() throws -> Bool { try rows.first() }
    package mutating func last() throws -> Bool { try rows.last() }
    package mutating func next() throws -> Bool { try rows.next() }
    package mutating func previous() throws -> Bool { try rows.previous() }

    /// Goes to the first local document whose id, `_local/` included, is not less.
    package mutating func seek(atLeast id: DocumentID) throws -> Bool {
        guard id.isLocal else { return id < "_local/" ? try first() : false }
        return try rows.seek(atLeast: LocalRow.key(id))
    }

    /// Goes to the last local document whose id, `_local/` included, is not greater.
    package mutating func seek(atMost id: DocumentID) throws -> Bool {
        guard id.isLocal else { return id < "_local/" ? false : try last() }
        return try rows.seek(atMost: LocalRow.key(id))
    }

    package var id: DocumentID {
        var bytes = Array("_local/".utf8)
        bytes.append(rows.key)
        return DocumentID(bytes: bytes)
    }

    /// The revision counter, `0-N` on the wire, and the JSON text.
    package func document() throws -> (revision: UInt64, body: [UInt8]) {
        let row = try LocalRow(decoding: rows.value)
        return (row.revision, row.body)
    }
}

extension Snapshot {
    /// A cursor before the first local document.
    @_lifetime(borrow self)
    package borrowing func localCursor() throws -> LocalCursor { try LocalCursor(self) }
}
