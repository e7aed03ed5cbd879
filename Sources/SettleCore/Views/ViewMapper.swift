// What emits the rows of an index: a design document's functions, or Swift closures.

/// Maps documents to rows.
package protocol ViewMapper: Sendable {
    /// Maps a batch of documents by every map function of the group it was made for.
    ///
    /// Called on threads that may wait, several batches at once.
    ///
    /// Documents are JSON texts with `_id`, `_rev` and what else a map function sees. What is thrown keeps the index from
    /// being brought up to date; a document that a function fails on is no such thing: it has no rows.
    func map(_ documents: [[UInt8]]) throws(SettleError) -> EmittedRows
}

/// The rows that a batch of documents emitted, in the order they were emitted.
package struct EmittedRows: Sendable {
    /// One row: its key and value are JSON texts in `text`.
    package struct Row: Sendable {
        /// Which document of the batch.
        package var document: Int
        /// Which tree of the group.
        package var tree: Int
        package var key: Range<Int>
        package var value: Range<Int>

        package init(document: Int, tree: Int, key: Range<Int>, value: Range<Int>) {
            self.document = document
            self.tree = tree
            self.key = key
            self.value = value
        }
    }

    /// Where all keys and values lie; they need not be in CouchDB's spelling yet.
    package var text: [UInt8]
    /// Grouped by document, in the order of the batch.
    package var rows: [Row]

    package init(text: [UInt8] = [], rows: [Row] = []) {
        self.text = text
        self.rows = rows
    }

    /// Adds a row at the end.
    package mutating func emit(document: Int, tree: Int, key: [UInt8], value: [UInt8]) {
        let start = text.count
        text.append(contentsOf: key)
        let middle = text.count
        text.append(contentsOf: value)
        rows.append(Row(document: document, tree: tree, key: start..<middle, value: middle..<text.count))
    }
}

/// One Swift closure per tree of a group.
package struct ClosureMapper: ViewMapper {
    /// Takes a document's JSON text and emits pairs of JSON texts.
    package typealias Map =
        @Sendable (_ document: [UInt8], _ emit: (_ key: [UInt8], _ value: [UInt8]) -> Void) -> Void

    let maps: [Map]

    /// The mapper of a group whose trees these closures fill, in the order of the group's `trees`.
    package init(_ maps: [Map]) {
        self.maps = maps
    }

    package func map(_ documents: [[UInt8]]) throws(SettleError) -> EmittedRows {
        var rows = EmittedRows()
        for (index, document) in documents.enumerated() {
            for (tree, map) in maps.enumerated() {
                map(document) { rows.emit(document: index, tree: tree, key: $0, value: $1) }
            }
        }
        return rows
    }
}
