import Synchronization

@testable import SettleReplication

/// A clock that stands still until it is moved.
final class ManualClock: JobClock {
    private let time = Mutex(1_700_000_000_000)

    var now: Int { time.withLock { $0 } }

    func advance(by milliseconds: Int) { time.withLock { $0 += milliseconds } }

    func wait(until time: Int) async {
        while now < time, (try? await Task.sleep(for: .milliseconds(2))) != nil {}
    }
}
