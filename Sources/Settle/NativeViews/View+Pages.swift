package import SettleCore

/// Some rows of a view, and what is left.
package struct RowPage: Sendable {
    package let rows: [ViewRow]
    /// What is left to read; nil at the end.
    package let rest: IndexRange?
    /// How many of the rows to be passed over are still to be.
    package let skip: Int
}

extension View {
    func sortKey(_ key: JSONValue) throws -> [UInt8] { try collationKey(of: key.bytes) }

    /// A page of a range's rows, read in a snapshot of its own.
    package func page(
        _ range: IndexRange,
        descending: Bool,
        skip: Int,
        limit: Int
    ) throws(SettleError) -> RowPage {
        try read { snapshot in
            let start = try snapshot.rank(of: range.lower)
            let count = try (range.upper.map { try snapshot.rank(of: $0) } ?? snapshot.totalRows) - start
            guard skip < count else { return RowPage(rows: [], rest: nil, skip: skip - max(count, 0)) }
            var cursor = snapshot.cursor(range, descending: descending, skip: skip)
            var rows: [ViewRow] = []
            var last: IndexRow?
            while rows.count < limit, let row = try snapshot.next(&cursor) {
                rows.append(ViewRow(row.payload))
                last = row
            }
            guard rows.count == limit, rows.count < count - skip, let last else {
                return RowPage(rows: rows, rest: nil, skip: 0)
            }
            var rest = range
            if descending { rest.upper = last.key } else { rest.lower = ViewRowKey.after(last.key) }
            return RowPage(rows: rows, rest: rest, skip: 0)
        }
    }

    /// What the rows of several ranges reduce to together; nil if there are none.
    package func reduction(of ranges: [IndexRange]) throws(SettleError) -> [UInt8]? {
        if ranges.count == 1 { return try reduction(of: ranges[0]) }
        throw SettleError(.queryParseError, "Multi-key fetches for reduce views must use `group=true`")
    }

    /// Runs what reduces: on a thread that may wait if functions are run for it.
    func reducing<Answer: Sendable>(
        _ body: @escaping @Sendable () throws(SettleError) -> Answer
    ) async throws(SettleError) -> Answer {
        guard reducesInEngine else { return try body() }
        return try await index.database.onWorkerThread(body)
    }
}
