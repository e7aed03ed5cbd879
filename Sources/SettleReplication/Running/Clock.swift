// What a session needs of the world outside: the time, and a name that nobody else has.

import Foundation

/// The time of day.
enum Clock {
    /// Seconds since 1970.
    static var unixSeconds: Int { Int(Date().timeIntervalSince1970) }
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
