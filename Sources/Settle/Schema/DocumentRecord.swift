// What `docs` holds for one document: its revision tree, cut so that the common case is small.
//
// Most readers want only the winner. In a tree of one revision that is all there is to read; in a larger one the winner
// stands in front of the tree (`DocumentSummary`). Old ancestors of a long line, the *trunk*, are moved to `history` in
// chunks (HistoryChunk.swift): a document edited a thousand times rewrites some 200 bytes an edit, not 20 KB.
//
//     flags, document number, sequence, [winner: generation, digest, body number], tree
//
// The subtle thing: `head` is the tree *without* the trunk. Ask `Snapshot.tree(of:)` for the whole.

package import SettleCore
import SettleStorage

/// A document's row in `docs`: everything about it but the bodies and the oldest ancestors.
package struct DocumentRecord: Sendable {
    /// The document's own number, the key of its history.
    package var number: UInt64
    /// The update sequence of its latest change.
    package var sequence: UInt64
    /// The revisions, but for the trunk.
    package var head: RevisionTree

    /// The winning revision.
    package var winner: RevisionNode { head.nodes[head.winner ?? 0] }
    /// Whether the document as a whole is deleted: every leaf is.
    package var isDeleted: Bool { winner.isDeleted }
}

/// What a row of `docs` says about the winner, read without building the tree.
package struct DocumentSummary: Sendable {
    /// The bits of the record's first byte.
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let deleted = Flags(rawValue: 1)
        static let branched = Flags(rawValue: 2)
        static let conflicted = Flags(rawValue: 4)
        static let winnerInFront = Flags(rawValue: 8)
        static let textDigest = Flags(rawValue: 16)
    }

    let flags: Flags
    let number: UInt64
    let sequence: UInt64
    let winner: RevisionID
    let body: UInt64

    var isDeleted: Bool { flags.contains(.deleted) }

    init(decoding bytes: borrowing Span<UInt8>) throws {
        var offset = 0
        flags = Flags(rawValue: try bytes.byte(&offset))
        number = try bytes.varint(&offset)
        sequence = try bytes.varint(&offset)
        if flags.contains(.winnerInFront) {
            let generation = try bytes.varint(&offset)
            winner = RevisionID(generation, try bytes.digest(&offset, isText: flags.contains(.textDigest)))
            body = try bytes.varint(&offset)
        } else {
            guard let node = try RevisionTree(decoding: bytes, at: &offset).nodes.first else {
                throw StorageError.corrupted
            }
            winner = node.revision
            body = node.body
        }
    }
}

extension DocumentRecord {
    init(decoding bytes: borrowing Span<UInt8>) throws {
        var offset = 0
        let flags = DocumentSummary.Flags(rawValue: try bytes.byte(&offset))
        number = try bytes.varint(&offset)
        sequence = try bytes.varint(&offset)
        if flags.contains(.winnerInFront) {
            _ = try bytes.varint(&offset)
            _ = try bytes.digest(&offset, isText: flags.contains(.textDigest))
            _ = try bytes.varint(&offset)
        }
        head = try RevisionTree(decoding: bytes, at: &offset)
        guard !head.isEmpty, offset == bytes.count else { throw StorageError.corrupted }
    }

    func encoded() -> [UInt8] {
        let winner = winner
        let leaves = head.nodes.count == 1 ? [0] : head.leaves
        let live = leaves.count { !head.nodes[$0].isDeleted }
        var flags: DocumentSummary.Flags = []
        if live == 0 { flags.insert(.deleted) }
        if leaves.count > 1 { flags.insert(.branched) }
        if live > 1 { flags.insert(.conflicted) }
        if head.nodes.count > 1 { flags.insert(.winnerInFront) }
        if winner.revision.digest.other != nil { flags.insert(.textDigest) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(48 + 28 * head.nodes.count)
        bytes.append(flags.rawValue)
        appendVarint(number, to: &bytes)
        appendVarint(sequence, to: &bytes)
        if flags.contains(.winnerInFront) {
            appendVarint(winner.generation, to: &bytes)
            bytes.appendDigest(winner.revision.digest)
            appendVarint(winner.body, to: &bytes)
        }
        head.append(to: &bytes)
        return bytes
    }
}
