/// A row of an index tree: a place in its leaf, whose bytes it keeps.
package struct IndexRow: Sendable {
    let node: IndexNode
    let index: Int

    /// What the tree's user stored under the sort key.
    package var payload: ArraySlice<UInt8> { node.bytes[node.payload(index)] }

    /// The sort key, put together.
    package var key: [UInt8] { node.key(index) }

    package var keyLength: Int { node.prefix.count + node.suffix(index).count }

    package func appendKey(to output: inout [UInt8]) { node.appendKey(index, to: &output) }
}

/// Neighbouring rows of one leaf, in ascending order; never none.
package struct RowRun: Sendable {
    let node: IndexNode
    let rows: Range<Int>

    package var count: Int { rows.count }

    package subscript(offset: Int) -> IndexRow { IndexRow(node: node, index: rows.lowerBound + offset) }
}
