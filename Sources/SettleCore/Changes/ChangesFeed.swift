// How a changes feed goes on: what to do next, decided from what has happened, without a socket or a clock.
//
//     normal       read … read, finish
//     longpoll     read; rows? finish : wait ──change──► read …   ──timeout──► finish
//     continuous   read, wait ──change──► read, wait ──…          ──timeout──► finish
//                            with a heartbeat: ──its time──► heartbeat, wait
//
// Reading goes in pieces: after each piece the shell tells where it got to, and whether that was the end for now. The
// subtle thing: a change between "nothing left" and "wait" is not lost, because the shell asks to be woken before it
// reads, and a wake-up while reading only means one more read.

/// The state of one feed.
package struct ChangesFeed: Sendable, Equatable {
    /// What the shell is to do.
    package enum Action: Sendable, Equatable {
        /// Read changes after `position`, at most `remaining` of them.
        case read
        /// Do nothing until there are changes, or these milliseconds have passed.
        case wait(milliseconds: Int)
        /// Send a sign of life, then ask again.
        case heartbeat
        /// Close the body.
        case finish
    }

    /// The longest wait, and the one where the client names none.
    package static let longestWait = 60_000

    /// The sequence up to which the client knows everything.
    package private(set) var position: UInt64
    /// How many more rows the client wants.
    package private(set) var remaining: Int
    /// How many rows have been sent.
    package private(set) var sent = 0
    private let kind: ChangesQuery.Feed
    private let isDescending: Bool
    private let hasHeartbeat: Bool
    private let wait: Int

    /// A feed that begins after a sequence.
    package init(_ query: ChangesQuery, position: UInt64) {
        self.position = position
        remaining = query.limit
        kind = query.feed
        isDescending = query.isDescending
        hasHeartbeat = query.heartbeat != nil
        wait = min(query.heartbeat ?? query.timeout ?? Self.longestWait, Self.longestWait)
    }

    /// Whether the feed may wait for changes at all.
    package var isLive: Bool { kind != .normal && !isDescending }

    /// Some rows were read: how many were sent, the sequence of the last that was looked at, and whether there is
    /// nothing more for now.
    package mutating func didRead(rows: Int, through sequence: UInt64, isExhausted: Bool) -> Action {
        sent += rows
        remaining -= rows
        position = sequence
        if remaining <= 0 { return .finish }
        guard isExhausted else { return .read }
        switch kind {
        case .normal: return .finish
        case .longpoll where sent > 0: return .finish
        default: return isLive ? .wait(milliseconds: wait) : .finish
        }
    }

    /// The time of a wait is over.
    package func didElapse() -> Action {
        hasHeartbeat ? .heartbeat : .finish
    }

    /// A heartbeat was sent.
    package func didBeat() -> Action {
        .wait(milliseconds: wait)
    }
}
