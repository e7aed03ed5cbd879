// Names for documents that came without one: 32 hexadecimal digits, of which the first 26 stay the same for a while
// and the last 6 count up in random steps. Ids that follow each other lie beside each other in the tree, so inserting
// them is nearly an append. This is CouchDB's `sequential` algorithm.

import Synchronization

/// Makes unique identifiers.
final class IdentifierSource: Sendable {
    private struct State {
        var prefix = ""
        var counter: UInt32 = .max
    }

    private let state = Mutex(State())

    /// The next identifier.
    func next() -> String {
        state.withLock { state in
            state.counter &+= UInt32.random(in: 1..<0xFFE)
            if state.counter > 0xFF_F000 || state.prefix.isEmpty {
                state.prefix = Self.hexadecimal(.random(in: 0...UInt64.max), digits: 16)
                state.prefix += Self.hexadecimal(.random(in: 0..<(1 << 40)), digits: 10)
                state.counter = .random(in: 1..<0xFFE)
            }
            return state.prefix + Self.hexadecimal(UInt64(state.counter), digits: 6)
        }
    }

    /// Text that no body contains: the boundary of a multipart answer.
    static func boundary() -> String {
        hexadecimal(.random(in: 0...UInt64.max), digits: 16)
            + hexadecimal(.random(in: 0...UInt64.max), digits: 16)
    }

    private static func hexadecimal(_ value: UInt64, digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
}
