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
        guard let trunk = record.head.trunkGenerations else { return }
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

    /// Forgets the ancestors that lie further than the limit below every leaf.
    func stem(_ record: inout DocumentRecord) throws {
        let before = record.head.trunkGenerations
        guard let last = record.head.nodes.indices.last else { return }
        // Places rather than `first` and `last`, which copy whole nodes for every write.
        let lowest = before?.lowerBound ?? record.head.nodes[0].generation
        guard record.head.nodes[last].generation - lowest >= revisionsLimit else { return }
        _ = record.head.stem(to: Int(revisionsLimit))
        guard let before else { return }
        // Chunks go when all of them has gone; what is below the trunk in the last one doesn't count.
        guard let after = record.head.trunkGenerations else { return try dropHistory(record.number, before) }
        let kept = HistoryChunk.index(of: after.lowerBound)
        if kept > HistoryChunk.index(of: before.lowerBound) {
            try dropHistory(record.number, before.lowerBound...kept * HistoryChunk.width)
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
        guard let trunk = record.head.trunkGenerations else { return [] }
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
        guard record.head.trunkGenerations != nil else { return record.head }
        var tree = record.head
        try tree.attachTrunk(try trunk(of: record, tables))
        return tree
    }
}
