// A row of `changes`: all that `_changes` prints, so that a feed opens no document.
//
//     flags, winner's generation, digest, body number, document id
//
// The id comes last and needs no length; the body number lets `include_docs` fetch the winner without the tree.

import SettleCore
import SettleStorage

/// The latest change of one document.
struct ChangeRow {
    /// The bits of the row's first byte.
    struct Flags: OptionSet {
        let rawValue: UInt8
        static let deleted = Flags(rawValue: 1)
        static let branched = Flags(rawValue: 2)
        static let textDigest = Flags(rawValue: 4)
    }

    let flags: Flags
    let winner: RevisionID
    let body: UInt64
    /// Where the document id begins in the row.
    let idOffset: Int

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        flags = Flags(rawValue: try bytes.byte(&offset))
        let generation = try bytes.varint(&offset)
        winner = RevisionID(generation, try bytes.digest(&offset, isText: flags.contains(.textDigest)))
        body = try bytes.varint(&offset)
        idOffset = offset
    }

    /// The bytes of the row for a document in its present state, written over `bytes`.
    static func encode(_ record: DocumentRecord, _ id: DocumentID, into bytes: inout [UInt8]) {
        let winner = record.winner
        var flags: Flags = []
        if winner.isDeleted { flags.insert(.deleted) }
        if record.head.leaves.count > 1 { flags.insert(.branched) }
        if winner.revision.digest.other != nil { flags.insert(.textDigest) }
        bytes.removeAll(keepingCapacity: true)
        bytes.append(flags.rawValue)
        appendVarint(winner.revision.generation, to: &bytes)
        bytes.appendDigest(winner.revision.digest)
        appendVarint(winner.body, to: &bytes)
        bytes.append(contentsOf: id.bytes)
    }
}
