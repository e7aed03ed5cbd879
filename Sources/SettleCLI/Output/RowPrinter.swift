import Settle
import SettleCore
import SettleServer

/// Prints the rows that a query finds in a view, one per line, a page at a time.
struct RowPrinter {
    /// Rows read in one snapshot.
    private static let page = 1000

    private let view: View
    private let query: ViewQuery
    private let shape: ViewQuery.Shape
    private let ranges: [IndexRange]

    init(_ view: View, _ query: ViewQuery) throws(SettleError) {
        self.view = view
        self.query = query
        shape = try query.shape(hasReduce: view.hasReduce)
        ranges = try query.ranges { key throws(SettleError) in try view.collationKey(of: key.bytes) }
    }

    func printAll() throws {
        switch shape {
        case .rows: try printRows()
        case .whole:
            guard query.skip == 0, query.limit > 0, let value = try view.reduction(of: ranges) else { return }
            var line: [UInt8] = []
            append(key: Array("null".utf8)[...], value: value[...], to: &line)
            try StandardOutput.write(line)
        case .level(let level): try printGroups(level: level)
        case .exact: try printGroups(level: nil)
        }
    }

    private func printRows() throws {
        var skip = query.skip
        var remaining = query.limit
        for range in ranges {
            var rest: IndexRange? = range
            while remaining > 0, let next = rest {
                let page = try view.page(
                    next,
                    descending: query.isDescending,
                    skip: skip,
                    limit: min(Self.page, remaining)
                )
                skip = page.skip
                rest = page.rest
                remaining -= page.rows.count
                try StandardOutput.write(try lines(page.rows))
            }
        }
    }

    private func lines(_ rows: [ViewRow]) throws -> [UInt8] {
        var output: [UInt8] = []
        for row in rows {
            output.append(contentsOf: #"{"id":"#.utf8)
            JSONText.appendString(row.id, to: &output)
            output.append(contentsOf: #","key":"#.utf8)
            output.append(contentsOf: row.key)
            output.append(contentsOf: #","value":"#.utf8)
            output.append(contentsOf: row.value)
            if query.includesDocuments {
                output.append(contentsOf: #","doc":"#.utf8)
                output += try view.index.database.read { snapshot in
                    var document = SegmentedBytes(room: .max)
                    try LinkedDocument(row).append(query, snapshot, to: &document)
                    return document.bytes
                }
            }
            output.append(contentsOf: "}\n".utf8)
        }
        return output
    }

    private func printGroups(level: Int?) throws {
        var rest = ranges
        var skip = query.skip
        var remaining = query.limit
        while remaining > 0, !rest.isEmpty {
            let limit = min(Self.page, remaining)
            let page = try view.groups(
                rest,
                level: level,
                descending: query.isDescending,
                skip: skip,
                limit: limit
            )
            skip = 0
            rest = page.rest
            remaining -= page.groups.count
            var output: [UInt8] = []
            for group in page.groups { append(key: group.key[...], value: group.value[...], to: &output) }
            try StandardOutput.write(output)
        }
    }

    private func append(key: ArraySlice<UInt8>, value: ArraySlice<UInt8>, to output: inout [UInt8]) {
        output.append(contentsOf: #"{"key":"#.utf8)
        output.append(contentsOf: key)
        output.append(contentsOf: #","value":"#.utf8)
        output.append(contentsOf: value)
        output.append(contentsOf: "}\n".utf8)
    }
}
