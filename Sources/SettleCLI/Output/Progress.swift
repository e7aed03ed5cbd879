// What a long command says while it works: one line that is redrawn on a terminal, or a JSON object per line where a
// program listens.

import Foundation
import SettleCore

/// Something countable that happened, with the numbers that belong to it.
struct ProgressEvent: Sendable {
    let name: String
    let values: [(name: String, value: JSONValue)]

    /// `{"event":"loaded","documents":1000}` and a line feed.
    var line: [UInt8] {
        JSONValue.object(JSONObject([("event", .string(name))] + values)).bytes + [UInt8(ascii: "\n")]
    }
}

/// Writes progress in the form that suits the listener.
struct ProgressReporter {
    /// Goes to the beginning of the line and clears it.
    static let lineStart = "\r\u{1B}[K"

    private let isTerminal: Bool
    private let started = ContinuousClock.now
    private var lastDrawn: ContinuousClock.Instant?

    /// People listen on a terminal; a program listens on standard output otherwise.
    init(isTerminal: Bool = StandardOutput.isTerminal) {
        self.isTerminal = isTerminal
    }

    var elapsed: Duration { ContinuousClock.now - started }

    /// Reports a step; the line for people is drawn ten times a second at most.
    mutating func report(_ event: ProgressEvent, _ line: @autoclosure () -> String) throws {
        guard isTerminal else {
            try StandardOutput.write(event.line)
            return
        }
        let now = ContinuousClock.now
        if let lastDrawn, now - lastDrawn < .milliseconds(100) { return }
        lastDrawn = now
        try StandardOutput.write(Array("\(Self.lineStart)\(line())".utf8))
    }

    /// Reports the end, in a line that stays.
    mutating func finish(_ event: ProgressEvent, _ line: String) throws {
        try StandardOutput.write(isTerminal ? Array("\(Self.lineStart)\(line)\n".utf8) : event.line)
    }
}

/// How numbers are shown to people.
enum Shown {
    /// `1234567` as `1,234,567`.
    static func count(_ value: some BinaryInteger) -> String {
        var digits = Array(String(value.magnitude))
        for position in stride(from: digits.count - 3, to: 0, by: -3) {
            digits.insert(",", at: position)
        }
        return (value < 0 ? "-" : "") + String(digits)
    }

    /// Documents per second over a time.
    static func rate(_ documents: Int, _ time: Duration) -> String {
        let seconds = max(time / .seconds(1), 0.001)
        return "\(count(Int((Double(documents) / seconds).rounded())))/s"
    }

    /// `1536` as `1.5 KiB`.
    static func bytes(_ value: some BinaryInteger) -> String {
        var amount = Double(value)
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if amount < 1024 { return unit == "B" ? "\(value) B" : String(format: "%.1f \(unit)", amount) }
            amount /= 1024
        }
        return String(format: "%.1f TiB", amount)
    }

    /// A bar of this many cells, filled to a fraction.
    static func bar(_ fraction: Double, cells: Int = 24) -> String {
        let filled = Int((min(max(fraction, 0), 1) * Double(cells)).rounded(.down))
        return String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
    }
}
