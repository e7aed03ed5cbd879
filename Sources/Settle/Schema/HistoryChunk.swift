// Older ancestors of a document, 64 generations a row: chunk c holds generations 64c+1 … 64c+64.
//
// An ancestor never changes, so a chunk is only appended to at its end, dropped when stemming has passed it, or
// rewritten with the whole trunk when a branch forks off below the head.

import SettleCore
import SettleStorage

/// A run of ancestors of consecutive generations, oldest first.
struct HistoryChunk {
    /// How many generations a row can hold.
    static let width: UInt64 = 64

    /// Oldest first, generations consecutive.
    var nodes: [RevisionNode]

    /// The chunk that holds a generation.
    static func index(of generation: UInt64) -> UInt64 { (generation - 1) / width }

    /// Document number, then chunk: one document's chunks lie side by side.
    static func key(document: UInt64, chunk: UInt64) -> [UInt8] {
        var key: [UInt8] = []
        key.reserveCapacity(12)
        key.appendBigEndian(document)
        for shift in [24, 16, 8, 0] as [UInt64] { key.append(UInt8(truncatingIfNeeded: chunk >> shift)) }
        return key
    }

    init(nodes: [RevisionNode]) { self.nodes = nodes }

    init(decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        var generation = try bytes.varint(&offset)
        nodes = []
        while offset < bytes.count {
            let flags = NodeFlags(rawValue: try bytes.byte(&offset))
            let digest = try bytes.digest(&offset, isText: flags.contains(.textDigest))
            let body = flags.contains(.body) ? try bytes.varint(&offset) : BodyNumber.missing
            let content = RevisionContent(isDeleted: flags.contains(.deleted), body: body)
            nodes.append(RevisionNode(RevisionID(generation, digest), content))
            generation += 1
        }
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        appendVarint(nodes.first?.generation ?? 0, to: &bytes)
        for node in nodes {
            bytes.append(NodeFlags(node).rawValue)
            bytes.appendDigest(node.revision.digest)
            if node.body != BodyNumber.missing { appendVarint(node.body, to: &bytes) }
        }
        return bytes
    }
}

/// The bits of a stored ancestor's first byte.
struct NodeFlags: OptionSet {
    let rawValue: UInt8
    static let deleted = NodeFlags(rawValue: 1)
    static let body = NodeFlags(rawValue: 2)
    static let textDigest = NodeFlags(rawValue: 4)

    init(rawValue: UInt8) { self.rawValue = rawValue }

    init(_ node: RevisionNode) {
        self = []
        if node.isDeleted { insert(.deleted) }
        if node.body != BodyNumber.missing { insert(.body) }
        if node.revision.digest.other != nil { insert(.textDigest) }
    }
}
