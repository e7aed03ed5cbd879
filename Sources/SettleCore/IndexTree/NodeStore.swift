// Where an index tree keeps its nodes: numbered byte strings.
//
// The tree is pure; a store gives it persistence, snapshots and atomicity. LMDB does in production (a node is a value
// of one overflow page), a dictionary does in tests. A node is overwritten in place under its number, so a store whose
// readers go on while it is written must give each of them a snapshot.

/// Reads nodes of one snapshot.
package protocol NodeReader: ~Copyable, ~Escapable {
    /// The bytes of a node: a copy, so that rows outlive the snapshot; an error if there is no such node.
    func node(_ number: UInt64) throws(SettleError) -> [UInt8]
}

/// Reads and writes nodes.
package protocol NodeStore: NodeReader, ~Copyable, ~Escapable {
    /// A number that no node has; those of freed nodes may come again.
    mutating func allocate() throws(SettleError) -> UInt64

    /// Writes a node, in place of the one that had its number.
    mutating func put(_ node: [UInt8], at number: UInt64) throws(SettleError)

    /// Removes a node.
    mutating func free(_ number: UInt64) throws(SettleError)
}
