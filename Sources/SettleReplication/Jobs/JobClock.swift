// The time of the jobs, so that tests can have one of their own.

import Foundation

/// Tells the time in milliseconds since 1970, and waits for it.
protocol JobClock: Sendable {
    var now: Int { get }
    /// Returns at a time, or when the task is cancelled.
    func wait(until time: Int) async
}

/// The system's time.
struct SystemJobClock: JobClock {
    var now: Int { Int(Date().timeIntervalSince1970 * 1_000) }

    func wait(until time: Int) async {
        try? await Task.sleep(for: .milliseconds(max(time - now, 1)))
    }
}
