// The retracting side of a copy that goes on until it is stopped.
//
//     page of changes ──► look at those documents ──► ask for the next page, which waits until there is one
//     time, or a commit of a source here ──► was anything purged? ──► look at everything
//
// Both happen one after the other, in one loop, because they share the notes. A purge is no change, so no page of changes
// comes of it: the number of purges is part of what a database says of itself, which is asked for every ten seconds.

import SettleCore

/// Follows the source of a retracting copy.
struct RetractionFollowing {
    private enum Event {
        case changes(Result<ChangesPage, PeerFailure>)
        case purgesDue
    }

    private var retraction: Retraction
    private let retries: Int
    private var retry = RetryCount()

    init(_ retraction: Retraction, retries: Int) {
        (self.retraction, self.retries) = (retraction, retries)
    }

    /// Runs until the task is cancelled; reports what leaves, and what cannot be helped by trying again.
    mutating func run(
        lookingEvery interval: Duration,
        _ send: AsyncStream<ReplicationSession.Event>.Continuation
    ) async {
        var mine = self
        await withDiscardingTaskGroup { group in
            await mine.run(lookingEvery: interval, &group) { count in
                if count > 0 { send.yield(.retracted(count)) }
            } failed: { failure in
                send.yield(.failed(failure))
            }
            group.cancelAll()
        }
        self = mine
    }

    private mutating func run(
        lookingEvery interval: Duration,
        _ group: inout DiscardingTaskGroup,
        report: (Int) -> Void,
        failed: (PeerFailure) -> Void
    ) async {
        let (events, send) = AsyncStream.makeStream(of: Event.self)
        group.addTask {
            while (try? await Task.sleep(for: interval)) != nil { send.yield(.purgesDue) }
        }
        if let commits = retraction.source.commits() {
            group.addTask {
                for await _ in commits { send.yield(.purgesDue) }
            }
        }
        read(after: .zero, send, &group)
        for await event in events {
            do throws(PeerFailure) {
                switch event {
                case .purgesDue: try await retraction.lookForPurges(report)
                case .changes(let page):
                    let page = try page.get()
                    try await retraction.take(page, report)
                    retry = RetryCount()
                    // A source that answers "nothing" instead of waiting must not be asked a thousand times a second.
                    read(after: page.rows.isEmpty ? .milliseconds(250) : .zero, send, &group)
                }
            } catch {
                guard error.isTransient || error.status == 429 else { return failed(error) }
                // Purges are asked for again before long anyway.
                guard case .changes = event else { continue }
                guard let delay = retry.delay(after: error, retries: retries, countsTime: false) else {
                    return failed(error)
                }
                read(after: delay, send, &group)
            }
        }
    }

    private func read(
        after delay: Duration,
        _ send: AsyncStream<Event>.Continuation,
        _ group: inout DiscardingTaskGroup
    ) {
        let (source, query) = (retraction.source, retraction.nextChanges(waiting: true))
        group.addTask {
            guard await Waiting.current(delay) else { return }
            let page = await attempt { () async throws(PeerFailure) in try await source.changes(query) }
            send.yield(.changes(page))
        }
    }
}
