// Moving old ancestors between a document's row and its history, and forgetting those beyond the limit.

import SettleCore
import SettleStorage

/// How much of a line stays in the document's row.
private enum Fold {
    /// A head with more nodes than this gives some to the history.
    static let above = 12
    /// How many it keeps on the winner's line.
    static let keeping = 4
    /// Fewer than this are not worth a row of history.
    static let atLeast = 8
}

extension Update {
    /// Moves the oldest part of a long line from the head to the history.
    mutating func fold(_ record: inout DocumentRecord) throws {
        guard record.head.nodes.count > Fold.above else { return }
        let trunk = record.head.detachTrunk(keeping: Fold.keeping)
        guard trunk.count >= Fold.atLeast else {
            try record.head.attachTrunk(trunk)
            return
        }
        var rest = trunk[...]
        while let first = rest.first {
            let index = HistoryChunk.index(of: first.generation)
            let key = HistoryChunk.key(document: record.number, chunk: index)
            let part = rest.prefix { HistoryChunk.index(of: $0.generation) == index }
            var chunk = try transaction.reading.historyChunk(key, tables) ?? HistoryChunk(nodes: [])
            chunk.nodes += part
            try transaction.put(tables.history, key, chunk.encoded)
            rest = rest[part.endIndex...]
        }
    }

    /// Brings the whole history back into the head and clears its rows; `fold` writes them anew.
    mutating func unfold(_ record: inout DocumentRecord) throws {
        guard let trunk = record.trunk else { return }
        let nodes = try transaction.reading.trunk(of: record, tables)
        try dropHistory(record.number, trunk)
        try record.head.attachTrunk(nodes)
    }

    /// Deletes the chunks that hold these generations.
    func dropHistory(_ document: UInt64, _ generations: ClosedRange<UInt64>) throws {
        for chunk in HistoryChunk.index(
            of: generations.lowerBound
        )...HistoryChunk.index(of: generations.upperBound) {
            try transaction.delete(tables.history, HistoryChunk.key(document: document, chunk: chunk))
        }
    }

    /// Forgets the ancestors that lie more than the limit below every leaf.
    mutating func stem(_ record: inout DocumentRecord) throws {
        let leaves = record.head.leaves.map { record.head.nodes[$0].generation }
        guard let trunk = record.trunk else {
            let lowest = record.head.nodes.first?.generation ?? 1
            if (leaves.max() ?? 0) - lowest >= revisionsLimit {
                _ = record.head.stem(to: Int(revisionsLimit))
            }
            return
        }
        // Below the head there is one line, so the lowest leaf of all decides how much of it stays.
        let lowestLeaf = leaves.min() ?? 1
        let first = lowestLeaf >= revisionsLimit ? lowestLeaf - revisionsLimit + 1 : 1
        if first > trunk.upperBound || record.head.nodes.dropFirst().contains(where: { $0.parent < 0 }) {
            try unfold(&record)
            _ = record.head.stem(to: Int(revisionsLimit))
        } else if first > trunk.lowerBound {
            let kept = HistoryChunk.index(of: first)
            if kept > HistoryChunk.index(of: trunk.lowerBound) {
                try dropHistory(record.number, trunk.lowerBound...kept * HistoryChunk.width)
            }
            record.head.shortenTrunk(to: Int(trunk.upperBound - first + 1))
        }
    }
}

extension ReadTransaction {
    /// A document's row, read whole; nil if the document was never heard of.
    borrowing func record(_ id: DocumentID, _ tables: Tables) throws -> DocumentRecord? {
        guard !id.bytes.isEmpty, let value = try value(tables.documents, id.bytes) else { return nil }
        return try DocumentRecord(decoding: value)
    }

    borrowing func historyChunk(_ key: [UInt8], _ tables: Tables) throws -> HistoryChunk? {
        guard let value = try self.value(tables.history, key) else { return nil }
        return try HistoryChunk(decoding: value)
    }

    /// The ancestors kept in the history, oldest first, without those that stemming has passed.
    borrowing func trunk(of record: DocumentRecord, _ tables: Tables) throws -> [RevisionNode] {
        guard let trunk = record.trunk else { return [] }
        var nodes: [RevisionNode] = []
        for chunk in HistoryChunk.index(of: trunk.lowerBound)...HistoryChunk.index(of: trunk.upperBound) {
            let key = HistoryChunk.key(document: record.number, chunk: chunk)
            guard let part = try historyChunk(key, tables) else { throw StorageError.corrupted }
            nodes += part.nodes.filter { trunk.contains($0.generation) }
        }
        guard nodes.count == trunk.count else { throw StorageError.corrupted }
        return nodes
    }

    /// The whole tree of a document, history included.
    borrowing func tree(of record: DocumentRecord, _ tables: Tables) throws -> RevisionTree {
        guard record.trunk != nil else { return record.head }
        var tree = record.head
        try tree.attachTrunk(try trunk(of: record, tables))
        return tree
    }
}
