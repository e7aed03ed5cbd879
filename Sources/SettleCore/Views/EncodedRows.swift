// A batch of documents' rows, ready for the trees: sort keys, payloads and hashes in one buffer.
//
// What map functions emit is JSON in whatever spelling the engine has; here it becomes CouchDB's spelling and a place in
// the order. The rows of a document come out sorted by tree and sort key.
//
// The subtle thing: rows of one document under equal keys stand in Erlang's order of (key, value) in CouchDB, whatever
// the order they were emitted in. Their ordinals are given out in that order, so that a document that emits the same
// rows in another order is unchanged.

/// The encoded rows of a batch of documents.
package struct EncodedRows: Sendable {
    /// One row, as ranges of `bytes`.
    package struct Row: Sendable {
        package var tree: Int
        /// The sort key, which begins with the collation key.
        package var sortKey: Range<Int>
        package var collationKeyLength: Int
        package var ordinal: UInt32
        package var payload: Range<Int>
        package var hash: UInt64
    }

    /// One document: its rows are a range of `rows`.
    package struct Document: Sendable {
        package let id: [UInt8]
        package let rows: Range<Int>
    }

    package private(set) var bytes: [UInt8] = []
    package private(set) var rows: [Row] = []
    package private(set) var documents: [Document] = []

    package init() {}

    /// Encodes what a batch of documents emitted.
    ///
    /// `ids` are the documents in the order of the batch, `collations` the order of each tree's keys. Throws
    /// `internalError` if an engine brought something that is no JSON.
    package init(
        _ emitted: EmittedRows,
        ids: [[UInt8]],
        collations: [CollationKey.Order],
        collator: some StringCollator
    ) throws(SettleError) {
        bytes.reserveCapacity(emitted.text.count * 3 + emitted.rows.count * 64)
        rows.reserveCapacity(emitted.rows.count)
        var next = 0
        for (index, id) in ids.enumerated() {
            let first = rows.count
            do throws(JSONError) {
                while next < emitted.rows.count, emitted.rows[next].document == index {
                    let row = emitted.rows[next]
                    next += 1
                    guard collations.indices.contains(row.tree) else { continue }
                    try append(row, of: id, emitted.text, collations, collator)
                }
                if rows.count - first > 1 { try order(first..<rows.count, collator) }
            } catch {
                throw SettleError(.internalError, "A map function's rows are not valid JSON.")
            }
            documents.append(Document(id: id, rows: first..<rows.count))
        }
    }

    /// Adds a document that has no rows.
    package mutating func append(withoutRows id: [UInt8]) {
        documents.append(Document(id: id, rows: rows.count..<rows.count))
    }

    private mutating func append(
        _ row: EmittedRows.Row,
        of id: [UInt8],
        _ text: [UInt8],
        _ collations: [CollationKey.Order],
        _ collator: some StringCollator
    ) throws(JSONError) {
        let start = bytes.count
        try CollationKey.append(
            text,
            in: row.key,
            to: &bytes,
            order: collations[row.tree],
            collator: collator
        )
        let collationKeyLength = bytes.count - start
        ViewRowKey.append(documentID: id, to: &bytes)
        ViewRowKey.append(ordinal: 0, to: &bytes)
        let sortKey = start..<bytes.count
        let key = try canonical(text, row.key)
        let value = try canonical(text, row.value)
        ViewRow.appendPayload(key: key, id: id[...], value: value, to: &bytes)
        let payload = sortKey.upperBound..<bytes.count
        rows.append(
            Row(
                tree: row.tree,
                sortKey: sortKey,
                collationKeyLength: collationKeyLength,
                ordinal: 0,
                payload: payload,
                hash: Self.hash(bytes[payload])
            )
        )
    }

    /// A JSON text in CouchDB's spelling; most are.
    private func canonical(_ text: [UInt8], _ range: Range<Int>) throws(JSONError) -> ArraySlice<UInt8> {
        if Self.isCanonical(text.span.extracting(range)) { return text[range] }
        var canonical: [UInt8] = []
        try JSONText.appendCanonical(text, in: range, to: &canonical)
        return canonical[...]
    }

    /// Whether a valid JSON text is surely spelled as CouchDB spells it: strings without escapes, integers that are not
    /// negative, words, and arrays of them, without white space.
    private static func isCanonical(_ text: borrowing Span<UInt8>) -> Bool {
        var isInString = false
        for index in text.indices {
            let byte = text[index]
            if isInString {
                if byte == 0x22 { isInString = false }
                if byte < 0x20 || byte == 0x5C { return false }
            } else {
                switch byte {
                case 0x22: isInString = true
                case 0x30...0x39, 0x2C, 0x5B, 0x5D, 0x61...0x64, 0x66...0x7A: continue
                // The e of `true` and `false`, and not of a number.
                case 0x65 where index > 0 && text[index - 1] > 0x60: continue
                default: return false
                }
            }
        }
        return true
    }

    // MARK: Order

    private func collationKey(_ row: Row) -> ArraySlice<UInt8> {
        bytes[row.sortKey.prefix(row.collationKeyLength)]
    }

    private func isSamePlace(_ left: Row, _ right: Row) -> Bool {
        left.tree == right.tree && collationKey(left).elementsEqual(collationKey(right))
    }

    /// Sorts one document's rows and gives out ordinals.
    private mutating func order(_ range: Range<Int>, _ collator: some StringCollator) throws(JSONError) {
        var sorted = Array(rows[range])
        sorted.sort { left, right in
            if left.tree != right.tree { return left.tree < right.tree }
            return collationKey(left).lexicographicallyPrecedes(collationKey(right))
        }
        var start = 0
        while start < sorted.count {
            var end = start + 1
            while end < sorted.count, isSamePlace(sorted[start], sorted[end]) { end += 1 }
            if end - start > 1 { try orderEqualKeys(&sorted, start..<end, collator) }
            start = end
        }
        rows.replaceSubrange(range, with: sorted)
    }

    private mutating func orderEqualKeys(
        _ sorted: inout [Row],
        _ range: Range<Int>,
        _ collator: some StringCollator
    ) throws(JSONError) {
        var terms: [(key: [UInt8], row: Row)] = []
        for row in sorted[range] {
            var key: [UInt8] = []
            let parts = ViewRow(bytes[row.payload])
            for part in [parts.key, parts.value] {
                try CollationKey.append(Array(part), to: &key, order: .raw, collator: collator)
            }
            terms.append((key, row))
        }
        terms.sort { $0.key.lexicographicallyPrecedes($1.key) }
        for (ordinal, term) in terms.enumerated() {
            var row = term.row
            row.ordinal = UInt32(truncatingIfNeeded: ordinal)
            var tail: [UInt8] = []
            ViewRowKey.append(ordinal: row.ordinal, to: &tail)
            bytes.replaceSubrange(row.sortKey.suffix(4), with: tail)
            sorted[range.lowerBound + ordinal] = row
        }
    }

    /// FNV-1a, and a last mixing: equal bytes have equal hashes, on every machine.
    static func hash(_ bytes: ArraySlice<UInt8>) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash ^= hash >> 33
        hash = hash &* 0xFF51_AFD7_ED55_8CCD
        return hash ^ hash >> 33
    }
}

extension EncodedRows {
    /// A document's rows as an index remembers them.
    package func documentRows(_ document: Document) -> [DocumentRow] {
        rows[document.rows].map { row in
            DocumentRow(
                tree: row.tree,
                collationKey: collationKey(row),
                ordinal: row.ordinal,
                hash: row.hash
            )
        }
    }
}
