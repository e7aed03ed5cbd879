/// The rows of a leaf after changes.
struct LeafMerge {
    /// The rows; nil: what they were.
    let rows: RowBuffer?
    /// Whether the leaf's own rows all stay, before the new ones.
    let onlyAppends: Bool

    /// Merges changes, in order, into a leaf; into none if there is no tree yet.
    init(_ changes: IndexChanges, _ range: Range<Int>, into leaf: IndexNode?) {
        var rows = RowBuffer()
        var isChanged = false
        var place = 0
        var appends = true
        for change in range {
            // Of the changes of one key the last one counts.
            if change + 1 < range.upperBound, changes.rows.haveEqualKeys(change, change + 1) { continue }
            let isRemoval = changes.isRemoval(change)
            if let leaf, place < leaf.count {
                let key = changes.rows.key(change).span
                let found = leaf.lowerBound(key, near: place)
                rows.append(place..<found, of: leaf)
                place = found
                if found < leaf.count { appends = false }
                if found < leaf.count, leaf.isKey(found, equalTo: key) {
                    if isRemoval || leaf.bytes[leaf.payload(found)] != changes.payload(change) {
                        isChanged = true
                    }
                    place += 1
                } else if !isRemoval {
                    isChanged = true
                }
            } else if !isRemoval {
                isChanged = true
            }
            if !isRemoval { rows.append(key: changes.rows.key(change), payload: changes.payload(change)) }
        }
        if let leaf { rows.append(place..<leaf.count, of: leaf) }
        self.rows = isChanged ? rows : nil
        onlyAppends = appends
    }
}

extension RowBuffer {
    /// All items of a node; an inner node's first separator is missing.
    init(_ node: IndexNode) {
        self.init()
        append(0..<node.count, of: node)
    }

    /// Appends some of a node's items.
    mutating func append(_ items: Range<Int>, of node: IndexNode) {
        for index in items {
            append { bytes in
                let start = bytes.count
                node.appendKey(index, to: &bytes)
                let keyLength = bytes.count - start
                bytes.append(contentsOf: node.bytes[node.payload(index)])
                return keyLength
            }
        }
    }

    /// Appends a child as an item of an inner node.
    mutating func append(_ child: IndexChild) {
        append { bytes in
            bytes.append(contentsOf: child.separator)
            child.appendPayload(to: &bytes)
            return child.separator.count
        }
    }

    /// Appends another buffer's items, the first of them under another key if one is given.
    mutating func append(contentsOf other: RowBuffer, firstKey: [UInt8]?) {
        for index in 0..<other.count {
            append(
                key: index == 0 ? firstKey?[...] ?? other.key(0) : other.key(index),
                payload: other.payload(index)
            )
        }
    }
}
