// A sorted table of rows that knows, for any stretch of it, how many rows there are and what they reduce to.
//
// It is a B+-tree. Leaves hold the rows, about a page of them; inner nodes hold, for every child, how many rows are
// below it and their reduction under each of the view's functions. So a count, a row by its rank, or a reduction over a million
// rows reads a few dozen nodes: the whole children inside the range are known to their parents, and only the leaves at
// the range's ends are looked into.
//
//                      [ – 500 rows, sum 70 │ "m" 430 rows, sum 55 ]
//                         /                        \
//         [ – 30, 4 │ "c" 41, 6 │ … ]          [ – 38, 5 │ "p" 40, 2 │ … ]
//             /          \                        …
//      [ ant, bee … ] [ cat, cow … ]
//
// A row is a sort key, unique and of any length, and a payload that the tree never looks into. The tree itself is a small
// value: who the root is. Its nodes lie in a `NodeStore`.
//
// The subtle thing: a separator says where rows belong, not which rows there are. It stays when the rows beside it go, so
// removing rows touches their leaves and the counts above them and nothing else.

/// A B+-tree with counts and reductions in its inner nodes.
package struct IndexTree: Sendable, Hashable {
    /// What a node may take: what fits into one overflow page of LMDB beside the page's header.
    package static let nodeBytes = 4080

    /// The topmost node; nil: no rows.
    var root: IndexChild?
    /// How many levels of nodes there are.
    package internal(set) var height = 0
    let nodeBytes: Int

    /// A tree without rows.
    package init(nodeBytes: Int = IndexTree.nodeBytes) {
        self.nodeBytes = nodeBytes
    }

    package var rowCount: Int { root?.rowCount ?? 0 }
    package var isEmpty: Bool { root == nil }

    /// Why rows can't be reduced, where a function failed on any of them: failures spread up to the root.
    package var reductionFailure: SettleError? {
        guard let bytes = root?.reductions else { return nil }
        var position = 0
        while let length = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) }) {
            let end = min(bytes.count, position + length)
            if let failure = Reduction.failure(in: bytes[position..<end]) { return failure }
            position = end
        }
        return nil
    }
}

extension IndexTree {
    /// The tree as bytes, a few dozen plus the root's reductions: varint height, varint root, varint rows, reductions.
    package var encoded: [UInt8] {
        var bytes: [UInt8] = []
        appendVarint(UInt64(height), to: &bytes)
        root?.appendPayload(to: &bytes)
        return bytes
    }

    /// Reads a tree; throws if the bytes are none.
    package init(encoded bytes: [UInt8], nodeBytes: Int = IndexTree.nodeBytes) throws(SettleError) {
        self.init(nodeBytes: nodeBytes)
        var position = 0
        guard let height = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) }) else {
            throw .damagedIndex
        }
        guard height > 0 else { return }
        guard let number = readVarint(bytes, at: &position),
            let rowCount = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) })
        else { throw .damagedIndex }
        self.height = height
        root = IndexChild(
            separator: [],
            number: number,
            rowCount: rowCount,
            reductions: Array(bytes[position...])
        )
    }
}
