// What a session needs of the world outside: the time, waiting, and a name that nobody else has.

import Foundation

/// The time of day.
enum Clock {
    /// Seconds since 1970.
    static var unixSeconds: Int { Int(Date().timeIntervalSince1970) }
}

/// How replications wait before they ask again.
///
/// It belongs to the task, so that a test can run a replication whose waits take no time and are noted down, while others
/// beside it wait as usual.
struct Waiting: Sendable {
    @TaskLocal static var current = Waiting()

    private let wait: @Sendable (Duration) async throws -> Void

    init(_ wait: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }) {
        self.wait = wait
    }

    /// Waits; false if the task is cancelled before the time is over.
    func callAsFunction(_ delay: Duration) async -> Bool {
        if delay == .zero { return true }
        return (try? await wait(delay)) != nil && !Task.isCancelled
    }
}

/// Names that are never given twice.
enum RandomID {
    /// 32 hexadecimal digits.
    static func hexadecimal() -> String {
        (0..<4).map { _ in
            let digits = String(UInt32.random(in: 0...UInt32.max), radix: 16)
            return String(repeating: "0", count: 8 - digits.count) + digits
        }.joined()
    }
}
