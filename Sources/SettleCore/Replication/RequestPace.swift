/// How fast one peer lets itself be asked: 429 makes every request to it wait a little, each further one a fifth longer;
/// every request that is served takes a little off again.
///
/// One request that is refused again and again ends the run (`RetryDelay`); the pace spares the others that fate.
struct RequestPace: Hashable, Sendable {
    /// How long the next request waits.
    private(set) var interval = Duration.zero

    private static let step = Duration.milliseconds(20)

    /// The peer was asked too often.
    mutating func wasRefused() {
        interval = min(max(Self.step, interval / 10 * 12), .seconds(25))
    }

    /// The peer answered.
    mutating func wasServed() {
        interval = max(.zero, interval - Self.step)
    }
}

/// The paces of both peers.
struct RequestPaces: Hashable, Sendable {
    private var source = RequestPace()
    private var target = RequestPace()

    /// How long a step waits before it begins.
    func interval(_ step: Replicator.Step) -> Duration {
        switch step {
        case .fetch, .fetchAlone, .fetchAttached: source.interval
        case .compare, .write, .writeAttached: target.interval
        case .copy: max(source.interval, target.interval)
        }
    }

    mutating func wasRefused(_ step: Replicator.Step) { update(step) { $0.wasRefused() } }

    mutating func wasServed(_ step: Replicator.Step) { update(step) { $0.wasServed() } }

    private mutating func update(_ step: Replicator.Step, _ change: (inout RequestPace) -> Void) {
        switch step {
        case .fetch, .fetchAlone, .fetchAttached: change(&source)
        case .compare, .write, .writeAttached: change(&target)
        case .copy:
            // Which of the two it was cannot be told.
            change(&source)
            change(&target)
        }
    }
}
