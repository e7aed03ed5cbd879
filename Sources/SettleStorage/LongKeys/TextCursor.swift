/// A place in a `TextTable` that moves from key to key, in the order of the whole keys' bytes.
///
/// It moves as `Cursor` does, and stands over one: in a row of layer 0 the key is the physical one, in place. At
/// a pointer row it goes down into the layer (forwards to its first row, backwards to its last), and where
/// a layer ends it comes up again and goes on beside the pointer row.
///
/// After a change of the table in the same transaction, seek again before the next move: the change may
/// have removed the layer the cursor was in.
package struct TextCursor: ~Copyable, ~Escapable {
    private enum Place {
        case outside, row, end, start
    }

    private var rows: Cursor
    private var place = Place.outside
    /// The layers gone down into; empty in layer 0.
    private var layers: [UInt64] = []
    /// 480 bytes for each of `layers`, and then, on a row below layer 0, that row's piece.
    private var assembled: [UInt8] = []

    @_lifetime(copy rows)
    init(_ rows: consuming Cursor) {
        self.rows = rows
    }

    // MARK: Moves

    package mutating func first() throws(StorageError) -> Bool {
        comeUp()
        _ = try rows.first()
        return try settleForwards()
    }

    package mutating func last() throws(StorageError) -> Bool {
        comeUp()
        try goToLastRow(of: 0)
        return try settleBackwards()
    }

    package mutating func next() throws(StorageError) -> Bool {
        switch place {
        case .row:
            _ = try rows.next()
            return try settleForwards()
        case .outside, .start: return try first()
        case .end: return false
        }
    }

    package mutating func previous() throws(StorageError) -> Bool {
        switch place {
        case .row:
            _ = try rows.previous()
            return try settleBackwards()
        case .outside, .end: return try last()
        case .start: return false
        }
    }

    /// Goes to the first key that is `key` or comes after it.
    package mutating func seek(atLeast key: [UInt8]) throws(StorageError) -> Bool {
        comeUp()
        guard key.count > TextTable.pieceLength else {
            _ = try rows.seek(atLeast: key)
            return try settleForwards()
        }
        var offset = 0
        while key.count - offset > TextTable.pieceLength {
            let pointer = TextTable.pointerKey(key, from: offset, layer: layer)
            // Without a pointer there is no key that goes on from here: the next row comes after it.
            guard try rows.seek(atLeast: pointer), rows.key.isEqual(to: pointer) else {
                return try settleForwards()
            }
            try goDown()
            offset += TextTable.pieceLength
        }
        _ = try rows.seek(atLeast: TextTable.rowKey(key, from: offset, layer: layer))
        return try settleForwards()
    }

    /// Goes to the last key that is `key` or comes before it.
    package mutating func seek(atMost key: [UInt8]) throws(StorageError) -> Bool {
        guard try seek(atLeast: key) else { return try last() }
        if self.key.isEqual(to: key) { return true }
        return try previous()
    }

    /// Goes to `key`, if it is in the table.
    package mutating func seek(exactly key: [UInt8]) throws(StorageError) -> Bool {
        if try seek(atLeast: key), self.key.isEqual(to: key) { return true }
        place = .outside
        return false
    }

    // MARK: The row

    /// Whether the cursor stands on a row.
    package var isOnRow: Bool { place == .row }

    /// The whole key: in place if it has at most 480 bytes, otherwise as put together by the cursor.
    package var key: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            precondition(place == .row, "The cursor is not on a row.")
            if layers.isEmpty { return rows.key }
            return assembled.span
        }
    }

    /// The row's value, in place.
    package var value: Span<UInt8> {
        @_lifetime(borrow self)
        get {
            precondition(place == .row, "The cursor is not on a row.")
            return rows.value
        }
    }

    /// Appends a copy of the whole key.
    package func appendKey(to bytes: inout [UInt8]) {
        bytes.append(key)
    }

    // MARK: Layers

    private var layer: UInt64 { layers.last ?? 0 }

    /// Forgets where the cursor is: back to layer 0.
    private mutating func comeUp() {
        guard !layers.isEmpty else { return }
        layers.removeAll(keepingCapacity: true)
        assembled.removeAll(keepingCapacity: true)
    }

    /// The length of the header of the row under `rows`; nil if that row isn't in this layer.
    private var headerLength: Int? {
        let key = rows.key
        guard let layer = layers.last else { return key[0] == TextTable.layerMark ? nil : 0 }
        guard key[0] == TextTable.layerMark, key.count > TextTable.layerHeaderLength else { return nil }
        for index in 1...8 where key[index] != UInt8(truncatingIfNeeded: layer >> UInt64(64 - 8 * index)) {
            return nil
        }
        return TextTable.layerHeaderLength
    }

    /// Goes from a pointer row into its layer, before the first row there.
    private mutating func goDown() throws(StorageError) {
        let layer = try TextTable.layer(rows.value)
        dropPiece()
        let start = layers.isEmpty ? 0 : TextTable.layerHeaderLength
        assembled.append(rows.key.extracting(start..<start + TextTable.pieceLength))
        layers.append(layer)
    }

    /// Goes from a layer back to the pointer row that led into it.
    private mutating func goUp() throws(StorageError) {
        dropPiece()
        layers.removeLast()
        let offset = assembled.count - TextTable.pieceLength
        let pointer = TextTable.pointerKey(assembled, from: offset, layer: layer)
        assembled.removeLast(TextTable.pieceLength)
        guard try rows.seek(exactly: pointer) else { throw .corrupted }
    }

    private mutating func dropPiece() {
        assembled.removeLast(assembled.count - layers.count * TextTable.pieceLength)
    }

    private mutating func goToFirstRow(of layer: UInt64) throws(StorageError) {
        var header: [UInt8] = []
        TextTable.appendHeader(of: layer, to: &header)
        _ = try rows.seek(atLeast: header)
    }

    private mutating func goToLastRow(of layer: UInt64) throws(StorageError) {
        var end: [UInt8] = []
        if layer == 0 { end = [TextTable.layerMark] } else { TextTable.appendHeader(of: layer + 1, to: &end) }
        if try rows.seek(atLeast: end) { _ = try rows.previous() } else { _ = try rows.last() }
    }

    /// Goes on from wherever `rows` is to the next row that holds a value.
    private mutating func settleForwards() throws(StorageError) -> Bool {
        while true {
            guard rows.isOnRow, let header = headerLength else {
                guard !layers.isEmpty else {
                    place = .end
                    return false
                }
                try goUp()
                _ = try rows.next()
                continue
            }
            if rows.key.count - header <= TextTable.pieceLength { return arrive(header) }
            try goDown()
            try goToFirstRow(of: layer)
        }
    }

    /// Goes back from wherever `rows` is to the next row that holds a value.
    private mutating func settleBackwards() throws(StorageError) -> Bool {
        while true {
            guard rows.isOnRow, let header = headerLength else {
                guard !layers.isEmpty else {
                    place = .start
                    return false
                }
                try goUp()
                _ = try rows.previous()
                continue
            }
            if rows.key.count - header <= TextTable.pieceLength { return arrive(header) }
            try goDown()
            try goToLastRow(of: layer)
        }
    }

    private mutating func arrive(_ header: Int) -> Bool {
        place = .row
        guard header > 0 else { return true }
        dropPiece()
        assembled.append(rows.key.extracting(header..<rows.key.count))
        return true
    }
}
