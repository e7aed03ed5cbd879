// An update sequence as it goes over the wire: `42-9f3a01bc`.
//
// The number orders the changes of one database; the digits after the dash name the life of the database it belongs to,
// so that a token from before a restore or a re-creation is recognised instead of silently skipping changes. Clients
// must take it as opaque. A bare number is taken too: replicators keep checkpoints from servers that used integers.

/// A position in a database's changes, as text.
package struct SequenceToken: Hashable, Sendable {
    /// How many updates lie before it.
    package let sequence: UInt64
    /// Which life of the database it belongs to; nil in a bare number.
    package let incarnation: UInt32?

    package init(sequence: UInt64, incarnation: UInt32?) {
        self.sequence = sequence
        self.incarnation = incarnation
    }

    /// Reads `N` or `N-suffix`; nil if there is no number in front.
    ///
    /// A suffix that isn't ours is an incarnation that no database has.
    package init?(text: some StringProtocol) {
        let bytes = Array(text.utf8)
        let digits = bytes.prefix { (48...57).contains($0) }
        guard let number = UInt64(String(decoding: digits, as: UTF8.self)) else { return nil }
        guard digits.count < bytes.count else {
            self.init(sequence: number, incarnation: nil)
            return
        }
        guard bytes[digits.count] == UInt8(ascii: "-") else { return nil }
        let suffix = String(decoding: bytes[(digits.count + 1)...], as: UTF8.self)
        self.init(sequence: number, incarnation: UInt32(suffix, radix: 16) ?? 0)
    }

    /// `N-<8 hex digits>`, or the bare number.
    package var text: String {
        guard let incarnation else { return String(sequence) }
        let digits = String(incarnation, radix: 16)
        return "\(sequence)-" + String(repeating: "0", count: 8 - digits.count) + digits
    }

    /// Appends the text in quotes, as JSON.
    package func append(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        output.append(contentsOf: text.utf8)
        output.append(UInt8(ascii: "\""))
    }
}
