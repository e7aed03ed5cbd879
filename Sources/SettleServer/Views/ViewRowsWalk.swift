// The rows of one query of a view, a page at a time.
//
// A page is read in one snapshot of the index, and the documents that `include_docs` asks for in one of the database;
// between two pages only the last row's sort key is remembered, and of a page with documents the rows for which there
// was no room.
//
// The subtle thing is `offset`: how many rows of the whole view come before the first that the query meets, in the
// direction of reading, plus `skip`, and never more than there are rows. With `keys`, the first row met is that of the
// first key that has any.

import Settle
import SettleCore

/// Goes through the rows of one query.
struct ViewRowsWalk: Sendable {
    private let request: ViewRequest
    private var ranges: ArraySlice<IndexRange>
    private var skip: Int
    private var remaining: Int
    private var hasBegun = false
    private var isFirst = true
    /// Rows that were read and whose documents were not sent yet.
    private var waiting: ArraySlice<IndexRow> = []

    /// Rows whose documents are fetched together.
    private static let batch = 64

    init(_ request: ViewRequest) {
        self.request = request
        ranges = request.ranges[...]
        skip = request.query.skip
        remaining = request.query.limit
    }

    /// Appends rows until the output is full; true when there are no more.
    mutating func go(_ output: inout SegmentedBytes) throws(SettleError) -> Bool {
        repeat {
            if request.query.includesDocuments {
                try appendWithDocuments(&output)
            } else {
                try appendPage(until: LoopContext.pieceSize, &output.bytes)
            }
        } while !isDone && !output.isFull
        return isDone
    }

    private mutating func appendPage(until length: Int, _ output: inout [UInt8]) throws(SettleError) {
        var isFirst = isFirst
        try read { (walk, snapshot) throws in
            try walk.begin(snapshot, &output)
            try walk.page(snapshot) { row in
                Self.append(ViewRow(row.payload), isFirst: &isFirst, to: &output)
                output.append(UInt8(ascii: "}"))
                return output.count < length
            }
        }
        self.isFirst = isFirst
    }

    private mutating func appendWithDocuments(_ output: inout SegmentedBytes) throws(SettleError) {
        if waiting.isEmpty {
            waiting = try read { (walk, snapshot) throws in
                try walk.begin(snapshot, &output.bytes)
                var rows: [IndexRow] = []
                try walk.page(snapshot) { row in
                    rows.append(row)
                    return rows.count < Self.batch
                }
                return rows[...]
            }
        }
        var (rows, isFirst) = (waiting, isFirst)
        let query = request.query
        try request.view.index.database.read { snapshot in
            while !output.isFull, let row = rows.popFirst() {
                let row = ViewRow(row.payload)
                Self.append(row, isFirst: &isFirst, to: &output.bytes)
                output.bytes.append(contentsOf: Self.document)
                try LinkedDocument(row).append(query, snapshot, to: &output)
                output.bytes.append(UInt8(ascii: "}"))
            }
        }
        (waiting, self.isFirst) = (rows, isFirst)
    }

    private var isDone: Bool { waiting.isEmpty && (remaining == 0 || ranges.isEmpty) }

    private mutating func read<Answer>(
        _ body: (inout Self, borrowing ViewSnapshot) throws -> Answer
    ) throws(SettleError) -> Answer {
        var walk = self
        let answer = try request.view.read(acceptsPredecessor: request.acceptsPredecessor) { snapshot in
            try body(&walk, snapshot)
        }
        self = walk
        return answer
    }

    // MARK: what comes before the rows

    private mutating func begin(_ snapshot: borrowing ViewSnapshot, _ output: inout [UInt8]) throws {
        guard !hasBegun else { return }
        hasBegun = true
        let total = snapshot.totalRows
        let offset = min(total, try rowsBefore(snapshot).clampedSum(request.query.skip))
        output.append(contentsOf: #"{"total_rows":\#(total),"offset":\#(offset),"#.utf8)
        try request.appendSequence(snapshot.updateSequence, to: &output)
        output.append(contentsOf: #""rows":["#.utf8)
        // Whole ranges are passed over by their counts; the cursor of the one that is left skips the rest.
        while skip > 0, ranges.count > 1, let range = ranges.first {
            let rows = try snapshot.count(in: range)
            guard skip >= rows else { break }
            skip -= rows
            ranges.removeFirst()
        }
    }

    /// How many rows come before those of the query.
    private func rowsBefore(_ snapshot: borrowing ViewSnapshot) throws -> Int {
        var met = ranges.last
        if ranges.count > 1 {
            for range in ranges where try snapshot.count(in: range) > 0 {
                met = range
                break
            }
        }
        guard let met else { return 0 }
        guard request.query.isDescending else { return try snapshot.rank(of: met.lower) }
        let total = snapshot.totalRows
        return try met.upper.map { total - (try snapshot.rank(of: $0)) } ?? 0
    }

    // MARK: rows

    /// Takes rows until `emit` has no room for another.
    private mutating func page(
        _ snapshot: borrowing ViewSnapshot,
        _ emit: (IndexRow) throws -> Bool
    ) throws {
        while remaining > 0, let range = ranges.first {
            var cursor = snapshot.cursor(range, descending: request.query.isDescending, skip: skip)
            skip = 0
            while let row = try snapshot.next(&cursor) {
                remaining -= 1
                guard try emit(row), remaining > 0 else { return pause(after: row) }
            }
            ranges.removeFirst()
        }
    }

    /// Remembers where the next page begins.
    private mutating func pause(after row: IndexRow) {
        guard var range = ranges.first else { return }
        if request.query.isDescending {
            range.upper = row.key
        } else {
            range.lower = ViewRowKey.after(row.key)
        }
        ranges[ranges.startIndex] = range
    }

    /// Appends `{"id":…,"key":…,"value":…`.
    private static func append(_ row: ViewRow, isFirst: inout Bool, to output: inout [UInt8]) {
        output.append(contentsOf: isFirst ? Self.firstRow : Self.row)
        isFirst = false
        JSONText.appendString(row.id, to: &output)
        output.append(contentsOf: Self.key)
        output.append(contentsOf: row.key)
        output.append(contentsOf: Self.value)
        output.append(contentsOf: row.value)
    }

    private static let firstRow = Array("\r\n{\"id\":".utf8)
    private static let row = Array(",\r\n{\"id\":".utf8)
    private static let key = Array(",\"key\":".utf8)
    private static let value = Array(",\"value\":".utf8)
    private static let document = Array(",\"doc\":".utf8)
}
