// What an index remembers of one document: which rows are its own, and a hash of what each says.
//
// When the document changes, its new rows are compared with these, and only what differs touches the trees: an edit that
// emits the same as before changes nothing, one that changes a value rewrites that row.
//
//     per row:  varint 2·tree + (same collation key as the row before) · varint length, collation key unless the same
//               · 8 bytes hash
//
// The rows stand in the order of tree and sort key. A row's ordinal is its place among those with the same tree and
// collation key, so it isn't stored.

/// One row of a document: where it stands and what it says.
package struct DocumentRow: Sendable, Hashable {
    package var tree: Int
    package var collationKey: ArraySlice<UInt8>
    package var ordinal: UInt32
    package var hash: UInt64

    package init(tree: Int, collationKey: ArraySlice<UInt8>, ordinal: UInt32, hash: UInt64) {
        self.tree = tree
        self.collationKey = collationKey
        self.ordinal = ordinal
        self.hash = hash
    }

    /// Whether the row stands before another of the same document.
    func precedes(_ other: DocumentRow) -> Bool {
        if tree != other.tree { return tree < other.tree }
        if collationKey.elementsEqual(other.collationKey) { return ordinal < other.ordinal }
        return collationKey.lexicographicallyPrecedes(other.collationKey)
    }

    func isAtSamePlace(as other: DocumentRow) -> Bool {
        tree == other.tree && ordinal == other.ordinal && collationKey.elementsEqual(other.collationKey)
    }

    /// Appends the row's sort key.
    package func appendSortKey(of document: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(contentsOf: collationKey)
        ViewRowKey.append(documentID: document, to: &bytes)
        ViewRowKey.append(ordinal: ordinal, to: &bytes)
    }
}

/// All rows of one document, in order.
package enum DocumentRows {
    /// Appends a row to a document's entry; `previous` is the row before it.
    package static func append(_ row: DocumentRow, after previous: DocumentRow?, to bytes: inout [UInt8]) {
        // An ordinal beyond 0 means: the same key as the row before.
        let isRepeated = row.ordinal > 0 && previous != nil
        appendVarint(UInt64(row.tree) << 1 | (isRepeated ? 1 : 0), to: &bytes)
        if !isRepeated {
            appendVarint(UInt64(row.collationKey.count), to: &bytes)
            bytes.append(contentsOf: row.collationKey)
        }
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 8
            bytes.append(UInt8(truncatingIfNeeded: row.hash >> shift))
        }
    }

    /// The entry of a document's rows.
    package static func encode(_ rows: [DocumentRow]) -> [UInt8] {
        var bytes: [UInt8] = []
        for index in rows.indices {
            append(rows[index], after: index > 0 ? rows[index - 1] : nil, to: &bytes)
        }
        return bytes
    }

    /// Reads a document's entry; nil if it is damaged.
    package static func decode(_ bytes: [UInt8]) -> [DocumentRow]? {
        var rows: [DocumentRow] = []
        var offset = 0
        while offset < bytes.count {
            guard let head = readVarint(bytes, at: &offset), head >> 1 <= UInt64(UInt32.max) else {
                return nil
            }
            var row = DocumentRow(tree: Int(head >> 1), collationKey: [], ordinal: 0, hash: 0)
            if head & 1 == 1 {
                guard let previous = rows.last, previous.tree == row.tree else { return nil }
                row.collationKey = previous.collationKey
                row.ordinal = previous.ordinal + 1
            } else {
                guard let length = readVarint(bytes, at: &offset), length <= UInt64(bytes.count - offset)
                else {
                    return nil
                }
                row.collationKey = bytes[offset..<offset + Int(length)]
                offset += Int(length)
            }
            guard bytes.count - offset >= 8 else { return nil }
            for byte in bytes[offset..<offset + 8] { row.hash = row.hash << 8 | UInt64(byte) }
            offset += 8
            rows.append(row)
        }
        return rows
    }
}

/// What becomes of one row of an index.
package enum RowChange: Sendable, Hashable {
    /// The row is written: the index of the new row.
    case put(Int)
    /// The row goes: the index of the old row.
    case remove(Int)
}

extension DocumentRows {
    /// What has to be done to turn a document's old rows into its new ones, in the order of the rows.
    package static func changes(from old: [DocumentRow], to new: [DocumentRow]) -> [RowChange] {
        var changes: [RowChange] = []
        var before = 0
        var after = 0
        while before < old.count || after < new.count {
            if after == new.count || before < old.count && old[before].precedes(new[after]) {
                changes.append(.remove(before))
                before += 1
            } else if before == old.count || !old[before].isAtSamePlace(as: new[after]) {
                changes.append(.put(after))
                after += 1
            } else {
                if old[before].hash != new[after].hash { changes.append(.put(after)) }
                before += 1
                after += 1
            }
        }
        return changes
    }
}
