/// A table whose keys are texts of any length, in the order of their bytes.
///
/// LMDB's keys end at 511 bytes, a document's id doesn't. So a long key descends through *layers*, the way a
/// long word would through a dictionary whose entry says "see appendix 7":
///
/// ```
///  key                        physical row
///  "apple"                    "apple"                              → value            layer 0
///  P + "tail"                 P ‖ 00                               → 7                layer 0: "see layer 7"
///                             FF ‖ 7 ‖ "tail"                      → value            layer 7
///  P + Q + "x"                FF ‖ 7 ‖ Q ‖ 00                      → 8                layer 7: "see layer 8"
///                             FF ‖ 8 ‖ "x"                         → value            layer 8
/// ```
///
/// P and Q are pieces of exactly 480 bytes; a layer's number has 8 bytes, highest first. A piece that ends
/// the key has 1 to 480 bytes, so only a *pointer row*, P ‖ 00, has 481, and no two kinds of row meet.
///
/// **Order**: the pointer row stands right after the row of P itself and before every other key, which is
/// where all keys that go on after P belong. Layers come after all keys because texts are UTF-8, where no
/// byte is FF. Hence walking layer 0 and descending at each pointer gives the order of the whole keys
/// (`TextCursor`), and everything costs one search per 480 bytes.
///
/// A new layer gets the highest number in the table plus one. A layer that becomes empty goes away, and its
/// pointer with it. The empty key cannot be stored (it is never found); nor can one that begins with FF.
package struct TextTable: Sendable, Hashable {
    let table: Table

    package init(_ table: Table) {
        self.table = table
    }

    /// Bytes of a key that one layer takes.
    static let pieceLength = 480
    /// The physical key of a pointer row is longer than that of any other row in its layer by this byte.
    static let pointerMark: UInt8 = 0
    /// The first byte of every row outside layer 0.
    static let layerMark: UInt8 = 0xFF
    /// The layer's mark and number.
    static let layerHeaderLength = 9

    static func isStorable(_ key: [UInt8]) -> Bool {
        guard let first = key.first else { return false }
        return first != layerMark
    }

    /// What every physical key of a layer begins with.
    static func appendHeader(of layer: UInt64, to bytes: inout [UInt8]) {
        guard layer > 0 else { return }
        bytes.append(layerMark)
        bytes.append(contentsOf: self.bytes(of: layer))
    }

    /// A layer's number as it stands in keys and in pointer rows: highest byte first.
    static func bytes(of layer: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: layer >> (56 - 8 * $0)) }
    }

    /// The physical key of a key's last piece, which begins at `offset`.
    static func rowKey(_ key: [UInt8], from offset: Int, layer: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(layerHeaderLength + key.count - offset)
        appendHeader(of: layer, to: &bytes)
        bytes.append(contentsOf: key[offset...])
        return bytes
    }

    /// The physical key of the pointer row for the 480 bytes at `offset`.
    static func pointerKey(_ key: [UInt8], from offset: Int, layer: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(layerHeaderLength + pieceLength + 1)
        appendHeader(of: layer, to: &bytes)
        bytes.append(contentsOf: key[offset..<offset + pieceLength])
        bytes.append(pointerMark)
        return bytes
    }

    /// The number in a pointer row's value.
    static func layer(_ bytes: Span<UInt8>) throws(StorageError) -> UInt64 {
        guard bytes.count == 8 else { throw .corrupted }
        var layer: UInt64 = 0
        for index in bytes.indices { layer = layer << 8 | UInt64(bytes[index]) }
        guard layer > 0 else { throw .corrupted }
        return layer
    }
}

// MARK: Reading

extension ReadTransaction {
    /// The value under `key`, in place; nil if there is none.
    @_lifetime(borrow self)
    package func value(_ texts: TextTable, _ key: [UInt8]) throws(StorageError) -> Span<UInt8>? {
        guard TextTable.isStorable(key) else { return nil }
        guard key.count > TextTable.pieceLength else { return try value(texts.table, key) }
        guard let row = try rowKey(texts, key) else { return nil }
        return try value(texts.table, row)
    }

    /// A copy of the value under `key`; nil if there is none.
    package func bytes(_ texts: TextTable, _ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        guard let span = try value(texts, key) else { return nil }
        return Array(span)
    }

    /// Whether there is a value under `key`.
    package func contains(_ texts: TextTable, _ key: [UInt8]) throws(StorageError) -> Bool {
        try value(texts, key) != nil
    }

    /// A cursor before the first key of `texts`.
    @_lifetime(borrow self)
    package func cursor(_ texts: TextTable) throws(StorageError) -> TextCursor {
        TextCursor(try cursor(texts.table))
    }

    /// The physical key of a long key, if the layers that lead to it exist.
    private func rowKey(_ texts: TextTable, _ key: [UInt8]) throws(StorageError) -> [UInt8]? {
        var layer: UInt64 = 0
        var offset = 0
        while key.count - offset > TextTable.pieceLength {
            let pointer = TextTable.pointerKey(key, from: offset, layer: layer)
            guard let number = try value(texts.table, pointer) else { return nil }
            layer = try TextTable.layer(number)
            offset += TextTable.pieceLength
        }
        return TextTable.rowKey(key, from: offset, layer: layer)
    }

    /// The highest layer of the table; 0 if all keys are short.
    fileprivate func lastLayer(_ texts: TextTable) throws(StorageError) -> UInt64 {
        var cursor = try cursor(texts.table)
        guard try cursor.last(), cursor.key[0] == TextTable.layerMark else { return 0 }
        guard cursor.key.count > TextTable.layerHeaderLength else { throw .corrupted }
        return try TextTable.layer(cursor.key.extracting(1..<TextTable.layerHeaderLength))
    }

    /// Whether no row is left in a layer.
    fileprivate func isEmpty(_ texts: TextTable, layer: UInt64) throws(StorageError) -> Bool {
        var header: [UInt8] = []
        TextTable.appendHeader(of: layer, to: &header)
        var cursor = try cursor(texts.table)
        guard try cursor.seek(atLeast: header) else { return true }
        return !cursor.key.hasPrefix(header)
    }
}

// MARK: Writing

extension WriteTransaction {
    /// Writes `value` under `key`, over any former value.
    ///
    /// - Throws: `.badKeyLength` for the empty key and for one that begins with FF, which UTF-8 never does.
    package func put(_ texts: TextTable, _ key: [UInt8], _ value: [UInt8]) throws(StorageError) {
        guard TextTable.isStorable(key) else { throw .badKeyLength }
        guard key.count > TextTable.pieceLength else { return try put(texts.table, key, value) }
        var layer: UInt64 = 0
        var offset = 0
        // A layer is in the table from its first row on, so of several new ones only the first is looked up.
        var newest: UInt64?
        while key.count - offset > TextTable.pieceLength {
            let pointer = TextTable.pointerKey(key, from: offset, layer: layer)
            if newest == nil, let number = try reading.value(texts.table, pointer) {
                layer = try TextTable.layer(number)
            } else {
                layer = if let newest { newest + 1 } else { try reading.lastLayer(texts) + 1 }
                newest = layer
                try put(texts.table, pointer, TextTable.bytes(of: layer))
            }
            offset += TextTable.pieceLength
        }
        try put(texts.table, TextTable.rowKey(key, from: offset, layer: layer), value)
    }

    /// Removes the row of `key` and the layers it leaves empty, and returns whether there was one.
    @discardableResult
    package func delete(_ texts: TextTable, _ key: [UInt8]) throws(StorageError) -> Bool {
        guard TextTable.isStorable(key) else { return false }
        guard key.count > TextTable.pieceLength else { return try delete(texts.table, key) }
        var layers: [UInt64] = [0]
        var offset = 0
        while key.count - offset > TextTable.pieceLength {
            let pointer = TextTable.pointerKey(key, from: offset, layer: layers[layers.count - 1])
            guard let number = try reading.value(texts.table, pointer) else { return false }
            layers.append(try TextTable.layer(number))
            offset += TextTable.pieceLength
        }
        let row = TextTable.rowKey(key, from: offset, layer: layers[layers.count - 1])
        guard try delete(texts.table, row) else { return false }
        while layers.count > 1, try reading.isEmpty(texts, layer: layers[layers.count - 1]) {
            layers.removeLast()
            offset -= TextTable.pieceLength
            try delete(texts.table, TextTable.pointerKey(key, from: offset, layer: layers[layers.count - 1]))
        }
        return true
    }
}
