// A changes feed as a streamed body: performs what `ChangesFeed` decides.
//
// Each piece is read in a snapshot of its own, from where the last one stopped. The subtle thing is what `last_seq` and
// `pending` mean when a filter leaves rows out; CouchDB's answers are reproduced:
//
// - Without a filter, or with one that looks at every row, `last_seq` is the last row looked at and `pending` counts
//   what comes after it. When a limit is reached and the next row does not pass either, `last_seq` moves onto it,
//   `pending` doesn't.
// - `_design` and a short `_doc_ids` look documents up instead of walking; then `last_seq` is the present, and
//   `pending` is everything since the start that was not sent.
//
// A filter that looks into documents judges them elsewhere, some hundreds at a time (`ChangesFilter`); until its answer
// is there the feed waits, which costs an event loop nothing.

import NIOCore
import Settle
import SettleCore
import Synchronization

/// Produces the body of `_changes`.
final class ChangesSource: BodySource {
    /// Longer lists of ids are matched against every row instead of being looked up.
    static let longestLookup = 100

    let database: Database
    let query: ChangesQuery
    private let loop: LoopContext
    private let statistics: Statistics
    private var feed: ChangesFeed
    private var framing: ChangesFraming
    private var hasBegun = false
    private var lastWrite = NIODeadline.now()
    private var bell: (ChangesBell, UInt64)?
    private var closing = FeedEnd()
    /// What judges documents, if anything does; what it let through and was not sent yet.
    private let filter: ChangesFilter?
    private var filtered: FilteredChanges?
    private var isFiltering = false
    private var failure: SettleError?
    private var wake: () -> Void = {}

    /// What the closing line says, once it is known.
    struct FeedEnd {
        var lastSequence: String?
        var pending = 0
    }

    init(
        database: Database,
        query: ChangesQuery,
        position: UInt64,
        filter: ChangesFilter? = nil,
        filtered: FilteredChanges? = nil,
        loop: LoopContext,
        statistics: Statistics
    ) {
        self.database = database
        self.query = query
        (self.filter, self.filtered) = (filter, filtered)
        self.loop = loop
        self.statistics = statistics
        feed = ChangesFeed(query, position: query.isDescending ? .max : position)
        framing = ChangesFraming(query.feed)
    }

    func begin(wake: @escaping () -> Void) {
        self.wake = wake
        guard feed.isLive else { return }
        let bell = ChangesBell.of(database, on: loop)
        self.bell = (bell, bell.add(wake))
        statistics.feeds.add(1, ordering: .relaxed)
    }

    func end() {
        wake = {}
        guard let (bell, token) = bell else { return }
        bell.remove(token)
        self.bell = nil
        statistics.feeds.subtract(1, ordering: .relaxed)
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        if !hasBegun { framing.begin(&piece.bytes) }
        if let filter, filtered == nil {
            if let failure { throw failure }
            hasBegun = true
            judge(filter)
            return waitForFilter
        }
        let action: ChangesFeed.Action
        do throws(SettleError) {
            action = try database.read { snapshot in
                if let filtered { return try sendFiltered(filtered, snapshot, &piece) }
                return try readPiece(snapshot, &piece)
            }
        } catch {
            guard hasBegun, feed.isLive, error.kind == .notFound else { throw error }
            action = .finish  // the database was deleted under the feed
        }
        if !hasBegun, case .wait = action, piece.isEmpty {
            piece.bytes.append(UInt8(ascii: "\n"))  // lets the client know that it is connected
        }
        hasBegun = true
        if !piece.isEmpty { lastWrite = .now() }
        return perform(action, &piece.bytes)
    }

    func elapsed(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        lastWrite = .now()
        if isFiltering {
            if query.heartbeat != nil { framing.heartbeat(&piece.bytes) }
            return waitForFilter
        }
        let action = feed.didElapse()
        if action == .finish { try measureEnd() }
        return perform(action, &piece.bytes)
    }

    func interrupt(into piece: inout SegmentedBytes) {
        try? measureEnd()
        appendEnd(&piece.bytes)
    }

    private func perform(_ action: ChangesFeed.Action, _ output: inout [UInt8]) -> BodyProgress {
        switch action {
        case .read:
            return .more
        case .wait(let milliseconds):
            // Changes that didn't pass a filter are no sign of life: the time counts from the last write.
            let passed = Int((NIODeadline.now() - lastWrite).nanoseconds / 1_000_000)
            return .waiting(milliseconds: max(0, milliseconds - passed))
        case .heartbeat:
            framing.heartbeat(&output)
            return perform(feed.didBeat(), &output)
        case .finish:
            appendEnd(&output)
            return .finished
        }
    }

    // MARK: reading

    private func readPiece(
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> ChangesFeed.Action {
        var writer = ChangesRowWriter(query, framing, remaining: feed.remaining, snapshot)
        let progress =
            switch query.filter {
            case .designDocuments:
                try writer.lookUp(try snapshot.designSequences(), from: feed.position, snapshot, &output)
            case .documents(let ids) where ids.count <= Self.longestLookup:
                try writer.lookUp(try snapshot.sequences(of: ids), from: feed.position, snapshot, &output)
            default:
                try writer.walk(from: feed.position, snapshot, &output)
            }
        framing = writer.framing
        let action = feed.didRead(
            rows: writer.rows,
            through: progress.position,
            isExhausted: progress.isExhausted
        )
        if action == .finish {
            closing = FeedEnd(
                lastSequence: snapshot.sequenceToken(progress.lastSequence),
                pending: max(0, progress.pending)
            )
        }
        return action
    }

    /// Has the next changes judged; wakes the feed when that is done.
    private func judge(_ filter: ChangesFilter) {
        guard !isFiltering else { return }
        isFiltering = true
        let bound = NIOLoopBound(self, eventLoop: loop.eventLoop)
        let (database, range) = (database, Self.range(query, from: feed.position, limit: feed.remaining))
        Task {
            let result: Result<FilteredChanges, SettleError>
            do throws(SettleError) {
                result = .success(try await database.filteredChanges(range, filter))
            } catch {
                result = .failure(error)
            }
            bound.eventLoop.execute { bound.value.take(result) }
        }
    }

    private func take(_ result: Result<FilteredChanges, SettleError>) {
        isFiltering = false
        switch result {
        case .success(let changes): filtered = changes
        case .failure(let error): failure = error
        }
        wake()
    }

    /// The changes that a feed is to look at next.
    static func range(_ query: ChangesQuery, from position: UInt64, limit: Int) -> ChangesRange {
        var range = ChangesRange(after: position)
        range.isDescending = query.isDescending
        range.includesAllLeaves = query.includesAllLeaves
        range.limit = limit
        return range
    }

    /// Until the filter answers; heartbeats are due meanwhile, however often it answers that nothing passes.
    private var waitForFilter: BodyProgress {
        let passed = Int((NIODeadline.now() - lastWrite).nanoseconds / 1_000_000)
        return .waiting(milliseconds: max(0, (query.heartbeat ?? ChangesFeed.longestWait) - passed))
    }

    private func sendFiltered(
        _ changes: FilteredChanges,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws -> ChangesFeed.Action {
        var writer = ChangesRowWriter(query, framing, remaining: feed.remaining, snapshot)
        let done = try writer.append(changes.passed[...], snapshot, &output)
        framing = writer.framing
        guard done == changes.passed.count else {
            filtered?.passed.removeFirst(done)
            let position = changes.passed[done - 1].sequence
            return feed.didRead(rows: writer.rows, through: position, isExhausted: false)
        }
        filtered = nil
        let isExhausted = changes.isExhausted
        let action = feed.didRead(rows: writer.rows, through: changes.position, isExhausted: isExhausted)
        if action == .finish {
            let isUntouched = changes.lastSequence == .max
            let last = isUntouched ? try snapshot.state.sequence : changes.lastSequence
            closing = FeedEnd(
                lastSequence: snapshot.sequenceToken(last),
                pending: try writer.pending(after: changes.position, snapshot)
            )
        }
        return action
    }

    /// Finds out what the closing line says when the feed ends while it waits.
    private func measureEnd() throws(SettleError) {
        let position = feed.position
        closing = try database.read { snapshot in
            FeedEnd(
                lastSequence: snapshot.sequenceToken(position),
                pending: try snapshot.changes(after: position)
            )
        }
    }

    private func appendEnd(_ output: inout [UInt8]) {
        framing.end(lastSequence: closing.lastSequence ?? "0", pending: closing.pending, &output)
    }
}

extension Snapshot {
    /// The sequences of the documents with these ids that exist.
    fileprivate borrowing func sequences(of ids: Set<DocumentID>) throws -> [UInt64] {
        var sequences: [UInt64] = []
        for id in ids {
            if let record = try document(id) { sequences.append(record.sequence) }
        }
        return sequences
    }

    /// The sequences of all design documents.
    fileprivate borrowing func designSequences() throws -> [UInt64] {
        var sequences: [UInt64] = []
        var cursor = try documentCursor()
        let beyond = DocumentID("_design0")
        var found = try cursor.seek(atLeast: "_design/")
        while found, cursor.id < beyond {
            sequences.append(cursor.sequence)
            found = try cursor.next()
        }
        return sequences
    }
}
