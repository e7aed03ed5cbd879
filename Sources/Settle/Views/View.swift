// One view of a design document, ready to be asked.
//
//     let view = try database.view("_design/orders", "by_customer")
//     try await view.index.update()
//     try view.read { snapshot in
//         var rows = snapshot.cursor(range, descending: false)
//         while let row = try snapshot.next(&rows) { … }
//     }
//
// Rows keep the bytes they lie in, so a page can be printed after its snapshot is gone. A reduction is gathered in the
// snapshot and reduced outside of it: a reduce function may be JavaScript in another process, and nothing waits for that
// with a transaction open.

package import SettleCore
import SettleStorage

/// A view of a database.
package struct View: Sendable {
    package let index: ViewIndex
    package let definition: ViewDefinition
    /// Where the database stood when the view was looked up.
    let position: DatabasePosition
    /// What answers while the view's own index was never built: the same view of the design document's last revision.
    private let predecessors: @Sendable () -> [View]

    init(
        index: ViewIndex,
        definition: ViewDefinition,
        position: DatabasePosition,
        predecessors: @escaping @Sendable () -> [View] = { [] }
    ) {
        self.index = index
        self.definition = definition
        self.position = position
        self.predecessors = predecessors
    }

    package var hasReduce: Bool { definition.reduce != nil }
    package var collation: CollationKey.Order { definition.collation }

    /// Whether the index has everything that the database had when the view was looked up: one small read.
    package func isFresh() throws(SettleError) -> Bool { try index.isFresh(for: position) }

    /// Brings the index up to date.
    package func update() async throws(SettleError) { try await index.update() }

    /// The same, holding the caller's thread.
    package func updateBlocking() throws(SettleError) { try index.updateBlocking() }

    /// Has the index brought up to date, and doesn't wait.
    package func updateInBackground() { index.updateInBackground() }

    /// The place of a key in the view's order.
    package func collationKey(of json: [UInt8]) throws(SettleError) -> [UInt8] {
        let collator = try index.database.collator
        var key: [UInt8] = []
        do throws(JSONError) {
            try CollationKey.append(json, to: &key, order: collation, collator: collator)
        } catch {
            throw SettleError(.queryParseError, "The key is not valid JSON.")
        }
        return key
    }

    /// Reads one snapshot of the view, on the caller's thread.
    ///
    /// A view whose index was never built reads as empty, unless an earlier one may answer.
    package func read<Answer>(
        acceptsPredecessor: Bool = false,
        _ body: (borrowing ViewSnapshot) throws -> Answer
    ) throws(SettleError) -> Answer {
        let answer = try index.read { reading, file, header in
            try body(ViewSnapshot(reading, file, header, tree: definition.tree))
        }
        if let answer { return answer }
        if acceptsPredecessor {
            for predecessor in predecessors() where try predecessor.index.state() != nil {
                return try predecessor.read(body)
            }
        }
        return try settling { () throws in try body(ViewSnapshot()) }
    }
}

/// What a view holds at one moment; lives inside `View.read`.
package struct ViewSnapshot: ~Copyable {
    private let reading: ReadTransaction?
    private let file: IndexEnvironment?
    private let tree: IndexTree
    /// How far the index has followed its database.
    package let updateSequence: UInt64
    package let purgeSequence: UInt64

    init(_ reading: consuming ReadTransaction, _ file: IndexEnvironment, _ header: IndexHeader, tree: Int) {
        self.reading = .some(reading)
        self.file = file
        self.tree = header.trees[tree]
        updateSequence = header.state.updateSequence
        purgeSequence = header.state.purgeSequence
    }

    /// The snapshot of an index that was never built.
    init() {
        reading = nil
        file = nil
        tree = IndexTree()
        updateSequence = 0
        purgeSequence = 0
    }
}

extension ViewSnapshot: NodeReader {
    package func node(_ number: UInt64) throws(SettleError) -> [UInt8] {
        guard let file else { throw SettleError(.internalError, "An empty index has no nodes.") }
        switch reading {
        case .some(let reading): return try reading.indexNode(number, file)
        case .none: throw SettleError(.internalError, "An empty index has no nodes.")
        }
    }
}

extension ViewSnapshot {
    package var totalRows: Int { tree.rowCount }

    /// How many rows stand before a bound.
    package func rank(of bound: [UInt8]) throws(SettleError) -> Int {
        try tree.rank(of: bound, in: self)
    }

    /// How many rows a range has.
    package func count(in range: IndexRange) throws(SettleError) -> Int {
        try tree.count(in: range, in: self)
    }

    /// A cursor before the first row of a range, or with `descending` its last one, less those to skip.
    package func cursor(_ range: IndexRange, descending: Bool, skip: Int = 0) -> IndexCursor {
        tree.cursor(range, descending: descending, skip: skip)
    }

    /// The cursor's next row; nil at the end.
    package func next(_ cursor: inout IndexCursor) throws(SettleError) -> IndexRow? {
        try cursor.next(in: self)
    }

    /// What the rows of a range reduce to, not reduced yet.
    package func pieces(of range: IndexRange) throws(SettleError) -> ReductionPieces {
        try tree.pieces(of: range, in: self)
    }

    /// The groups of a range, before the first one.
    func groups(
        _ range: IndexRange,
        descending: Bool,
        prefixLength: @escaping @Sendable (ArraySlice<UInt8>) -> Int
    ) -> IndexGroups {
        IndexGroups(tree, range, descending: descending, prefixLength: prefixLength)
    }
}
