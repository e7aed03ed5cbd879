// `/_db_updates`: which databases were created, written to and deleted.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `GET /_db_updates`.
    func getDatabaseUpdates(_ request: Request) throws(SettleError) -> Answer {
        guard request.method == .GET else { throw request.notAllowed("GET") }
        let query = try ChangesQuery(
            parameters: QueryParameters(items: request.query.items.filter { $0.name != "filter" }),
            lastEventID: request.headers.first(name: "Last-Event-ID")
        )
        let position: UInt64?
        switch query.since {
        case .beginning: position = 0
        case .now: position = events.last
        case .token(let text): position = events.sequence(fromToken: text)
        }
        guard let position else {
            throw SettleError(.badRequest, "Malformed sequence supplied in 'since' parameter.")
        }
        var head = ResponseHead()
        if query.feed == .eventSource {
            head.contentType = .other("text/event-stream")
            head.cacheControl = .noCache
        }
        let events = events
        return .stream(head) { loop in
            DatabaseUpdatesSource(events: events, query: query, position: position, loop: loop)
        }
    }
}

/// Produces the body of `_db_updates`.
private final class DatabaseUpdatesSource: BodySource {
    private let events: EventLog
    private let query: ChangesQuery
    private let loop: LoopContext
    private var feed: ChangesFeed
    private var framing: ChangesFraming
    private var hasBegun = false
    private var bell: (ChangesBell, UInt64)?

    init(events: EventLog, query: ChangesQuery, position: UInt64, loop: LoopContext) {
        self.events = events
        self.query = query
        self.loop = loop
        feed = ChangesFeed(query, position: position)
        framing = ChangesFraming(query.feed)
    }

    func begin(wake: @escaping () -> Void) {
        guard feed.isLive else { return }
        let bell = ChangesBell.of(events, on: loop)
        self.bell = (bell, bell.add(wake))
    }

    func end() {
        if let (bell, token) = bell { bell.remove(token) }
        bell = nil
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        if !hasBegun { framing.begin(&piece.bytes) }
        let entries = events.entries(after: query.isDescending ? 0 : feed.position)
        var last = feed.position
        var rows = 0
        for entry in query.isDescending ? entries.reversed() : entries {
            guard rows < feed.remaining else { break }
            framing.beginRow(&piece.bytes)
            let row: JSONValue = [
                "db_name": .string(entry.event.name),
                "type": .string(entry.event.kind.rawValue),
                "seq": .string(events.token(entry.sequence)),
            ]
            row.append(to: &piece.bytes)
            framing.endRow(sequence: entry.sequence, suffix: events.suffix, &piece.bytes)
            last = entry.sequence
            rows += 1
        }
        let action = feed.didRead(rows: rows, through: last, isExhausted: true)
        if !hasBegun, case .wait = action, piece.isEmpty {
            piece.bytes.append(UInt8(ascii: "\n"))
        }
        hasBegun = true
        return perform(action, &piece.bytes)
    }

    func elapsed(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        perform(feed.didElapse(), &piece.bytes)
    }

    func interrupt(into piece: inout SegmentedBytes) {
        _ = perform(.finish, &piece.bytes)
    }

    private func perform(_ action: ChangesFeed.Action, _ output: inout [UInt8]) -> BodyProgress {
        switch action {
        case .read: return .more
        case .wait(let milliseconds): return .waiting(milliseconds: milliseconds)
        case .heartbeat:
            framing.heartbeat(&output)
            return perform(feed.didBeat(), &output)
        case .finish:
            let pending = query.isDescending ? 0 : events.entries(after: feed.position).count
            framing.end(lastSequence: events.token(feed.position), pending: pending, &output)
            return .finished
        }
    }
}
