import Settle
import SettleCore

/// Appends rows of changes within one snapshot.
struct ChangesRowWriter {
    /// How far a piece got.
    struct Progress {
        /// Where the next piece goes on.
        var position: UInt64
        /// What the closing line names, should the feed end here.
        var lastSequence: UInt64
        /// What the closing line counts.
        var pending: Int
        /// Whether there is nothing more for now.
        var isExhausted: Bool
    }

    let query: ChangesQuery
    var framing: ChangesFraming
    /// How many rows were appended.
    private(set) var rows = 0
    private let remaining: Int
    /// What follows the number in a sequence.
    private let suffix: [UInt8]
    private let options: DocumentOptions

    init(_ query: ChangesQuery, _ framing: ChangesFraming, remaining: Int, _ snapshot: borrowing Snapshot) {
        self.query = query
        self.framing = framing
        self.remaining = remaining
        suffix = Array(snapshot.sequenceToken(0).utf8.dropFirst())
        var options: DocumentOptions = query.includesConflicts ? .conflicts : []
        if query.includesAttachments { options.insert(.attachments) }
        if query.includesEncodingInfo { options.insert(.encodingInfo) }
        self.options = options
    }

    /// Goes over all changes after a position, or before it in a descending feed.
    mutating func walk(
        from position: UInt64,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> Progress {
        let isDescending = query.isDescending
        var cursor = try snapshot.changesCursor()
        var last = position
        var found = try isDescending ? cursor.seek(before: position) : cursor.seek(after: position)
        while found, rows < remaining, !output.isFull {
            last = cursor.sequence
            if passes(cursor) {
                try append(&cursor, snapshot, &output)
            }
            found = try isDescending ? cursor.previous() : cursor.next()
        }
        var lastSequence = last
        if last == .max { lastSequence = try snapshot.state.sequence }
        if found, rows >= remaining, rows > 0, isFiltering, !passes(cursor) {
            lastSequence = cursor.sequence
        }
        return Progress(
            position: last,
            lastSequence: lastSequence,
            pending: try pending(after: last, snapshot),
            isExhausted: !found
        )
    }

    /// Appends changes that passed a filter, until the piece is full; how many were done.
    ///
    /// What has changed again meanwhile is left out: it comes again.
    mutating func append(
        _ passed: ArraySlice<PassedChange>,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> Int {
        var cursor = try snapshot.changesCursor()
        var done = 0
        for change in passed {
            guard !output.isFull else { break }
            done += 1
            if try cursor.seek(after: change.sequence - 1), cursor.sequence == change.sequence {
                try append(&cursor, revisions: change.revisions, snapshot, &output)
            }
        }
        return done
    }

    /// What a feed that got to a sequence leaves out.
    func pending(after sequence: UInt64, _ snapshot: borrowing Snapshot) throws -> Int {
        guard query.isDescending else { return try snapshot.changes(after: sequence) }
        let all = try snapshot.changes(after: 0)
        return sequence == .max ? all : all - (try snapshot.changes(after: sequence - 1))
    }

    /// Goes over the changes with these sequences.
    mutating func lookUp(
        _ sequences: [UInt64],
        from position: UInt64,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> Progress {
        let present = try snapshot.state.sequence
        let isDescending = query.isDescending
        let wanted = sequences.filter { isDescending ? $0 < position : $0 > position }
            .sorted { isDescending ? $0 > $1 : $0 < $1 }
        var cursor = try snapshot.changesCursor()
        var last = position
        var done = 0
        for sequence in wanted {
            guard rows < remaining, !output.isFull else { break }
            done += 1
            last = sequence
            if try cursor.seek(after: sequence - 1), cursor.sequence == sequence {
                try append(&cursor, snapshot, &output)
            }
        }
        let isExhausted = done == wanted.count
        let isFull = rows >= remaining
        let reached = isExhausted && !isDescending && !isFull ? present : last
        let candidates = try snapshot.changes(after: isDescending ? 0 : position)
        return Progress(
            position: reached,
            lastSequence: reached == .max ? present : reached,
            pending: candidates - rows,
            isExhausted: isExhausted
        )
    }

    // MARK: one row

    private var isFiltering: Bool {
        if case .none = query.filter { false } else { true }
    }

    private func passes(_ cursor: borrowing ChangesCursor) -> Bool {
        switch query.filter {
        case .documents(let ids): ids.contains(cursor.id)
        case .designDocuments: cursor.isDesign
        case .none, .selector, .function, .view: true
        }
    }

    private mutating func append(
        _ cursor: inout ChangesCursor,
        revisions: [RevisionID]? = nil,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        framing.beginRow(&output.bytes)
        // CouchDB counts the interval down from the limit.
        if query.sequenceInterval == 1 || (remaining - rows) % query.sequenceInterval == 0 {
            output.bytes.append(contentsOf: Self.sequence)
            JSONText.appendInteger(cursor.sequence, to: &output.bytes)
            output.bytes.append(contentsOf: suffix)
            output.bytes.append(contentsOf: Self.id)
        } else {
            output.bytes.append(contentsOf: "{\"seq\":null,\"id\":".utf8)
        }
        cursor.appendID(to: &output.bytes)
        output.bytes.append(contentsOf: Self.changes)
        if query.includesAllLeaves, cursor.isBranched {
            for (position, revision) in try (revisions ?? cursor.leaves(in: snapshot)).enumerated() {
                if position > 0 { output.bytes.append(contentsOf: Self.nextRevision) }
                revision.append(to: &output.bytes)
            }
        } else {
            cursor.appendRevision(to: &output.bytes)
        }
        output.bytes.append(contentsOf: Self.changesEnd)
        if cursor.isDeleted {
            output.bytes.append(contentsOf: Self.deleted)
        }
        if query.includesDocuments {
            output.bytes.append(contentsOf: Self.document)
            try appendDocument(&cursor, snapshot, &output)
        }
        output.bytes.append(UInt8(ascii: "}"))
        framing.endRow(sequence: cursor.sequence, suffix: suffix, &output.bytes)
        rows += 1
    }

    private func appendDocument(
        _ cursor: inout ChangesCursor,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        guard case .selector(_, let fields?) = query.filter, !fields.isEverything else {
            return try cursor.appendDocument(options, in: snapshot, to: &output)
        }
        try output.append { text in
            try cursor.appendDocument(options, in: snapshot, to: &text)
        } transformed: { text in
            fields.extract(from: try JSONValue(parsing: text)).bytes
        }
    }

    private static let sequence = Array("{\"seq\":\"".utf8)
    private static let id = Array("\",\"id\":".utf8)
    private static let changes = Array(",\"changes\":[{\"rev\":\"".utf8)
    private static let nextRevision = Array("\"},{\"rev\":\"".utf8)
    private static let changesEnd = Array("\"}]".utf8)
    private static let deleted = Array(",\"deleted\":true".utf8)
    private static let document = Array(",\"doc\":".utf8)
}
