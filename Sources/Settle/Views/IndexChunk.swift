// What one commit of an index changes: documents with their new rows.

import SettleCore
import SettleStorage

/// Documents that were mapped and not written yet.
struct IndexChunk {
    /// What the index's state is once this is written.
    var state: ViewIndexState
    private var batches: [EncodedRows] = []
    private(set) var byteCount = 0

    init(_ state: ViewIndexState) {
        self.state = state
    }

    mutating func append(_ rows: EncodedRows) {
        batches.append(rows)
        byteCount += rows.bytes.count + rows.documents.count * 64
    }

    /// Writes the documents' rows where they differ from what the index has, in one commit.
    mutating func write(to index: IndexEnvironment, _ source: ViewSource) throws {
        while try !attempt(index, source) { try index.environment.growMap() }
        batches = []
        byteCount = 0
    }

    /// Writes everything in one transaction; false if the file has to grow first.
    private func attempt(_ index: IndexEnvironment, _ source: ViewSource) throws -> Bool {
        var writer = try IndexWriter(index, try header(of: index))
        do {
            try apply(to: &writer, source)
        } catch {
            // A tree that couldn't write a node says `insufficientStorage`.
            guard writer.failure == .mapFull || (error as? StorageError) == .mapFull else { throw error }
            return false
        }
        writer.header.state = state
        do {
            try writer.commit()
        } catch StorageError.mapFull {
            return false
        }
        return true
    }

    private func header(of index: IndexEnvironment) throws -> IndexHeader {
        guard let header = try index.header() else { throw StorageError.corrupted }
        return header
    }

    private func apply(to writer: inout IndexWriter, _ source: ViewSource) throws {
        var changes = Array(repeating: IndexChanges(), count: source.group.trees.count)
        var places: [(batch: Int, document: Int)] = []
        for (batch, rows) in batches.enumerated() {
            places += rows.documents.indices.map { (batch, $0) }
        }
        // Neighbours in the table are written one after the other.
        places.sort { left, right in
            batches[left.batch].documents[left.document].id
                .lexicographicallyPrecedes(batches[right.batch].documents[right.document].id)
        }
        for place in places {
            let rows = batches[place.batch]
            try apply(rows.documents[place.document], of: rows, to: &changes, &writer)
        }
        for tree in changes.indices where changes[tree].count > 0 {
            var reducers = try source.reducers(tree: tree)
            var root = writer.header.trees[tree]
            try root.update(&changes[tree], in: &writer, reducer: &reducers)
            // As in CouchDB, one row that can't be reduced stops the whole index.
            if let failure = root.reductionFailure { throw failure }
            writer.header.trees[tree] = root
        }
    }

    /// Collects what changes for one document, and remembers its new rows.
    private func apply(
        _ document: EncodedRows.Document,
        of rows: EncodedRows,
        to changes: inout [IndexChanges],
        _ writer: inout IndexWriter
    ) throws {
        // An id that no document can have would not be storable; there is none.
        let entry = try writer.transaction.reading.bytes(writer.index.documents, document.id)
        if entry == nil, document.rows.isEmpty { return }
        guard let old = DocumentRows.decode(entry ?? []) else { throw StorageError.corrupted }
        let new = rows.documentRows(document)
        let differences = DocumentRows.changes(from: old, to: new)
        guard !differences.isEmpty else { return }
        var sortKey: [UInt8] = []
        for difference in differences {
            switch difference {
            case .put(let place):
                let row = rows.rows[document.rows.lowerBound + place]
                changes[row.tree].insert(key: rows.bytes[row.sortKey], payload: rows.bytes[row.payload])
            case .remove(let place):
                sortKey.removeAll(keepingCapacity: true)
                old[place].appendSortKey(of: document.id, to: &sortKey)
                changes[old[place].tree].remove(key: sortKey[...])
            }
        }
        if new.isEmpty {
            try writer.transaction.delete(writer.index.documents, document.id)
        } else {
            try writer.transaction.put(writer.index.documents, document.id, DocumentRows.encode(new))
        }
    }
}
