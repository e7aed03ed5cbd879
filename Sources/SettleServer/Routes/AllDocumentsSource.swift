import Settle
import SettleCore

/// Produces the body of `_all_docs`, for one query or for a list of them.
final class AllDocumentsSource: BodySource {
    private let database: Database
    private let queries: [AllDocumentsQuery]
    private let isList: Bool
    /// Which query is in work.
    private var place = 0
    private var walk: AllDocumentsWalk?

    init(_ database: Database, _ queries: [AllDocumentsQuery], isList: Bool) {
        self.database = database
        self.queries = queries
        self.isList = isList
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        if place == 0, walk == nil, isList {
            piece.bytes.append(contentsOf: "{\"results\":[\n".utf8)
        }
        try database.read { snapshot in
            while place < queries.count, !piece.isFull {
                var walk = try self.walk ?? AllDocumentsWalk(queries[place], snapshot, &piece.bytes)
                let isDone = try walk.go(snapshot, &piece)
                self.walk = isDone ? nil : walk
                guard isDone else { continue }
                piece.bytes.append(contentsOf: "\r\n]}".utf8)
                place += 1
                if place < queries.count { piece.bytes.append(contentsOf: ",\n".utf8) }
            }
        }
        guard place == queries.count else { return .more }
        piece.bytes.append(contentsOf: isList ? "\n]}\n".utf8 : "\n".utf8)
        return .finished
    }
}

/// Goes through the rows of one query, piece by piece.
///
/// The subtle thing is what `offset` counts: the documents before the *start of the range* in the walk's direction, plus
/// `skip`, but never more than `total_rows`. In `_design_docs`, whose total is that of design documents alone, those
/// before the range are still counted among all documents.
struct AllDocumentsWalk {
    private let query: AllDocumentsQuery
    private var range: DocumentRange
    private var keys: ArraySlice<JSONValue>
    private var remaining: Int
    private var isFirst = true

    /// Begins a query and appends what comes before its rows.
    init(
        _ query: AllDocumentsQuery,
        _ snapshot: borrowing Snapshot,
        _ output: inout [UInt8]
    ) throws {
        self.query = query
        range = query.range
        keys = (query.keys ?? [])[...]
        remaining = query.limit
        let total: Int
        switch query.namespace {
        case .design:
            total =
                try snapshot.liveDocuments(before: "_design0") - snapshot.liveDocuments(before: "_design/")
        default:
            total = Int(try snapshot.state.documentCount)
        }
        output.append(contentsOf: #"{"total_rows":\#(total),"offset":"#.utf8)
        if query.keys != nil {
            if query.isDescending { keys = keys.reversed()[...] }
            keys = keys.dropFirst(query.skip).prefix(query.limit)
            output.append(contentsOf: "null".utf8)
        } else {
            let offset = min(total, try skip(snapshot).clampedSum(query.skip))
            output.append(contentsOf: String(offset).utf8)
        }
        if query.includesSequence, query.keys != nil {
            output.append(contentsOf: #","update_seq":null"#.utf8)
        } else if query.includesSequence {
            let sequence = snapshot.sequenceToken(try snapshot.state.sequence)
            output.append(contentsOf: #","update_seq":"\#(sequence)""#.utf8)
        }
        output.append(contentsOf: #","rows":["#.utf8)
    }

    /// Moves the range's start past the rows to skip; gives how many documents lie before the range.
    private mutating func skip(_ snapshot: borrowing Snapshot) throws -> Int {
        let all = Int(try snapshot.state.documentCount)
        if query.isDescending {
            let after =
                try range.upper.map { try snapshot.liveDocuments(before: DocumentID(bytes: $0)) } ?? all
            if query.skip > 0 {
                // The document at this rank is the first that is sent.
                let rank = after - 1 - query.skip
                let first = rank >= 0 ? try snapshot.liveDocument(at: rank) : nil
                range.upper = first.map { $0.bytes + [0] } ?? []
            }
            return all - after
        }
        let before =
            try range.lower.isEmpty ? 0 : snapshot.liveDocuments(before: DocumentID(bytes: range.lower))
        if query.skip > 0 {
            let first = try snapshot.liveDocument(at: before.clampedSum(query.skip))
            if let first { range.lower = first.bytes } else { remaining = 0 }
        }
        return before
    }

    /// Appends rows until the output is full; true when there are no more.
    mutating func go(_ snapshot: borrowing Snapshot, _ output: inout SegmentedBytes) throws -> Bool {
        if query.keys != nil { return try goThroughKeys(snapshot, &output) }
        guard remaining > 0, !range.isEmpty else { return true }
        // How many rows the range has is cheaper to know than to compare every id with its end.
        if let upper = range.upper, !query.isDescending {
            let rows = try snapshot.liveDocuments(before: DocumentID(bytes: upper))
            remaining = min(
                remaining,
                rows - (try snapshot.liveDocuments(before: DocumentID(bytes: range.lower)))
            )
        } else if query.isDescending, !range.lower.isEmpty {
            let all = Int(try snapshot.state.documentCount)
            let rows =
                try range.upper.map { try snapshot.liveDocuments(before: DocumentID(bytes: $0)) } ?? all
            remaining = min(
                remaining,
                rows - (try snapshot.liveDocuments(before: DocumentID(bytes: range.lower)))
            )
        }
        guard remaining > 0 else { return true }
        var cursor = try snapshot.documentCursor()
        var found: Bool
        if query.isDescending {
            found = try seekDescending(&cursor)
        } else {
            found =
                try range.lower.isEmpty
                ? cursor.first() : cursor.seek(atLeast: DocumentID(bytes: range.lower))
        }
        let options = query.options
        while found {
            if !cursor.isDeleted {
                beginRow(&output.bytes)
                cursor.appendID(to: &output.bytes)
                output.bytes.append(contentsOf: Self.key)
                cursor.appendID(to: &output.bytes)
                output.bytes.append(contentsOf: Self.value)
                cursor.appendRevision(to: &output.bytes)
                output.bytes.append(contentsOf: Self.valueEnd)
                if query.includesDocuments {
                    output.bytes.append(contentsOf: Self.document)
                    try cursor.appendDocument(options, in: snapshot, to: &output)
                }
                output.bytes.append(UInt8(ascii: "}"))
                remaining -= 1
                if remaining == 0 { return true }
                if output.isFull {
                    continueAfter(cursor.id)
                    return false
                }
            }
            found = try query.isDescending ? cursor.previous() : cursor.next()
        }
        return true
    }

    /// Goes to the last document below the upper bound.
    private func seekDescending(_ cursor: inout DocumentCursor) throws -> Bool {
        guard let upper = range.upper else { return try cursor.last() }
        guard try cursor.seek(atLeast: DocumentID(bytes: upper)) else { return try cursor.last() }
        return try cursor.previous()
    }

    private mutating func continueAfter(_ id: DocumentID) {
        if query.isDescending { range.upper = id.bytes } else { range.lower = id.bytes + [0] }
    }

    private mutating func beginRow(_ output: inout [UInt8]) {
        output.append(contentsOf: isFirst ? Self.firstRow : Self.row)
        isFirst = false
    }

    // MARK: keys

    private mutating func goThroughKeys(
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> Bool {
        while let key = keys.popFirst() {
            output.bytes.append(contentsOf: isFirst ? "\r\n".utf8 : ",\r\n".utf8)
            isFirst = false
            try appendRow(of: key, snapshot, &output)
            if output.isFull { return keys.isEmpty }
        }
        return true
    }

    private func appendRow(
        of key: JSONValue,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        let id = key.string.map { DocumentID($0) }
        guard let id, let record = try snapshot.document(id), isInNamespace(id) else {
            output.bytes.append(contentsOf: #"{"key":"#.utf8)
            key.append(to: &output.bytes)
            output.bytes.append(contentsOf: #","error":"not_found"}"#.utf8)
            return
        }
        output.bytes.append(contentsOf: #"{"id":"#.utf8)
        JSONText.appendString(id.bytes, to: &output.bytes)
        output.bytes.append(contentsOf: Self.key)
        JSONText.appendString(id.bytes, to: &output.bytes)
        output.bytes.append(contentsOf: Self.value)
        record.winner.revision.append(to: &output.bytes)
        output.bytes.append(contentsOf: record.isDeleted ? #"","deleted":true}"#.utf8 : #""}"#.utf8)
        if query.includesDocuments {
            output.bytes.append(contentsOf: Self.document)
            if record.isDeleted {
                output.bytes.append(contentsOf: "null".utf8)
            } else {
                _ = try snapshot.append(id, record, revision: nil, query.options, to: &output)
            }
        }
        output.bytes.append(UInt8(ascii: "}"))
    }

    private func isInNamespace(_ id: DocumentID) -> Bool {
        if case .design = query.namespace { id.isDesign } else { true }
    }

    private static let firstRow = Array("\r\n{\"id\":".utf8)
    private static let row = Array(",\r\n{\"id\":".utf8)
    private static let key = Array(",\"key\":".utf8)
    private static let value = Array(",\"value\":{\"rev\":\"".utf8)
    private static let valueEnd = Array("\"}".utf8)
    private static let document = Array(",\"doc\":".utf8)
}

extension AllDocumentsQuery {
    /// The extra members of documents that the store is to add.
    fileprivate var options: DocumentOptions {
        var options: DocumentOptions = includesConflicts ? .conflicts : []
        if includesAttachments { options.insert(.attachments) }
        if includesEncodingInfo { options.insert(.encodingInfo) }
        return options
    }
}

extension Int {
    /// The sum, or the greatest number if it is too large for one.
    func clampedSum(_ other: Int) -> Int {
        let (sum, overflow) = addingReportingOverflow(other)
        return overflow ? .max : sum
    }
}
