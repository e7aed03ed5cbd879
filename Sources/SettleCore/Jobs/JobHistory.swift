// What happened to a replication job, newest first, as `_scheduler/jobs` shows it.
//
//     crashed(no answer) 10:03   started 10:02   crashed(no answer) 10:01   started 10:00   added 10:00
//     ── two crashes in a row: wait 60 s before the next start ──
//
// The subtle thing: whether a job is ill is not noted anywhere, it is read from the history. A crash counts to the
// row of crashes unless the job had been well for a while before it; a job that was stopped is not ill.

/// The events of one job.
package struct JobHistory: Hashable, Sendable {
    /// Something that happened to a job.
    package enum Kind: Hashable, Sendable {
        case added
        case started
        case stopped
        case crashed(String)
    }

    /// One event; times are milliseconds since 1970.
    package struct Event: Hashable, Sendable {
        package let kind: Kind
        package let time: Int
    }

    /// The events, newest first.
    package private(set) var events: [Event]

    /// The history of a job that is new.
    package init(addedAt time: Int) {
        events = [Event(kind: .added, time: time)]
    }

    /// Adds what has just happened, and forgets the oldest events beyond a limit.
    package mutating func append(_ kind: Kind, at time: Int, limit: Int) {
        events.insert(Event(kind: kind, time: time), at: 0)
        if events.count > max(limit, 1) { events.removeLast(events.count - max(limit, 1)) }
    }

    /// When anything last happened.
    package var updatedAt: Int { events.first?.time ?? 0 }

    /// When the job was last started; nil if that is not known.
    package var startedAt: Int? {
        events.first { $0.kind == .started }?.time
    }

    /// Why the job crashed, if that is the last that happened to it.
    package var crash: String? {
        if case .crashed(let reason)? = events.first?.kind { reason } else { nil }
    }

    /// How often the job crashed in a row, each time sooner than `healthThreshold` milliseconds after the event before.
    package func consecutiveCrashes(healthThreshold: Int) -> Int {
        var count = 0
        for (index, event) in events.enumerated() {
            let earlier = index + 1 < events.count ? events[index + 1] : nil
            switch event.kind {
            case .crashed:
                guard let earlier else { return count + 1 }
                if event.time - earlier.time > healthThreshold { return count }
                count += 1
            case .stopped:
                if earlier?.kind == .started { return count }
            case .added, .started: break
            }
        }
        return count
    }

    /// When the job may be started again.
    package func mayStart(healthThreshold: Int) -> Int {
        guard crash != nil else { return 0 }
        let crashes = consecutiveCrashes(healthThreshold: healthThreshold)
        return updatedAt + Self.backoff(afterCrashes: max(crashes, 1))
    }

    /// The wait after so many crashes in a row: 30 s, doubling, up to eight and a half hours; in milliseconds.
    package static func backoff(afterCrashes count: Int) -> Int {
        30_000 << min(max(count - 1, 0), 10)
    }
}
