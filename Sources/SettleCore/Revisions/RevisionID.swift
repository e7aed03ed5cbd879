// A revision's name: how many edits deep it is, and a digest of what it says.
//
//     2-7051cbe5c8faecd085a3fa619e6e6337
//     ^ generation
//       ^ digest: 16 bytes, written as 32 hexadecimal digits
//
// The subtle thing: replicated revisions may come from anywhere and need not be digests. CouchDB takes any text after
// the dash; 32 hexadecimal digits become 16 bytes, anything else stays the bytes it is, and 16 bytes are always
// *shown* as hexadecimal, wherever they came from. Order is by generation, then by those bytes.

/// The part of a revision after the dash: 16 bytes of digest, or any other text a peer made up.
public struct RevisionDigest: Hashable, Sendable {
    /// The first eight bytes, big-endian; 0 where `other` holds the text.
    package let high: UInt64
    /// The last eight bytes, big-endian; 0 where `other` holds the text.
    package let low: UInt64
    /// The bytes where there are not exactly 16 of them.
    package let other: [UInt8]?

    /// A digest of 16 bytes.
    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
        other = nil
    }

    /// The digest with these bytes.
    package init(bytes: some Collection<UInt8>) {
        guard bytes.count == 16 else {
            (high, low, other) = (0, 0, Array(bytes))
            return
        }
        var halves: (UInt64, UInt64) = (0, 0)
        for byte in bytes {
            halves = (halves.0 << 8 | halves.1 >> 56, halves.1 << 8 | UInt64(byte))
        }
        (high, low, other) = (halves.0, halves.1, nil)
    }

    /// The bytes, as they are hashed, compared and stored.
    package var bytes: [UInt8] {
        if let other { return other }
        return (0..<16).map { UInt8(truncatingIfNeeded: ($0 < 8 ? high : low) >> (56 - 8 * UInt64($0 % 8))) }
    }

    /// Reads what stands after the dash; nil if it is 32 characters that aren't all hexadecimal digits.
    package init?(text: some Collection<UInt8>) {
        guard text.count == 32 else {
            self.init(bytes: text)
            return
        }
        var halves: (UInt64, UInt64) = (0, 0)
        for character in text {
            guard let nibble = hexadecimalValue(character) else { return nil }
            halves = (halves.0 << 4 | halves.1 >> 60, halves.1 << 4 | UInt64(nibble))
        }
        self.init(high: halves.0, low: halves.1)
    }

    /// Appends the text of this digest.
    package func append(to output: inout [UInt8]) {
        if let other {
            output.append(contentsOf: other)
            return
        }
        for half in [high, low] {
            var shift: UInt64 = 64
            while shift > 0 {
                shift -= 4
                let nibble = UInt8(truncatingIfNeeded: half >> shift) & 15
                output.append(nibble < 10 ? 48 + nibble : 87 + nibble)
            }
        }
    }
}

/// The value of a hexadecimal digit in either case.
private func hexadecimalValue(_ character: UInt8) -> UInt8? {
    switch character {
    case 48...57: character - 48
    case 65...70: character - 55
    case 97...102: character - 87
    default: nil
    }
}

extension RevisionDigest: Comparable {
    /// Byte order: the greater digest wins between leaves of one generation.
    public static func < (left: RevisionDigest, right: RevisionDigest) -> Bool {
        if left.other == nil, right.other == nil {
            return (left.high, left.low) < (right.high, right.low)
        }
        return left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// The name of one revision of a document, such as `2-7051cbe5c8faecd085a3fa619e6e6337`.
public struct RevisionID: Hashable, Sendable {
    /// How many edits lie between the empty document and this revision; 1 for the first.
    public let generation: UInt64
    /// What distinguishes it from others of its generation.
    public let digest: RevisionDigest

    /// A revision of a generation and a digest.
    package init(_ generation: UInt64, _ digest: RevisionDigest) {
        self.generation = generation
        self.digest = digest
    }

    /// Reads `N-digest`; nil unless N is a number without sign and a dash follows (CouchDB: "Invalid rev format").
    package init?(text: some Collection<UInt8>) {
        guard let dash = text.firstIndex(of: 45), dash != text.startIndex else { return nil }
        var generation: UInt64 = 0
        for character in text[..<dash] {
            guard (48...57).contains(character) else { return nil }
            let (product, overflow) = generation.multipliedReportingOverflow(by: 10)
            guard !overflow, product <= UInt64(Int64.max) else { return nil }
            generation = product + UInt64(character - 48)
        }
        guard let digest = RevisionDigest(text: text[text.index(after: dash)...]) else { return nil }
        self.init(generation, digest)
    }

    /// Reads `N-digest`; nil if it isn't of that form.
    public init?(_ text: String) {
        self.init(text: Array(text.utf8))
    }

    /// Appends `N-digest`.
    package func append(to output: inout [UInt8]) {
        output.append(contentsOf: String(generation).utf8)
        output.append(45)
        digest.append(to: &output)
    }

    /// `N-digest`.
    public var text: String {
        var bytes: [UInt8] = []
        append(to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension RevisionID: Comparable {
    /// Generation first, then the digest's bytes.
    public static func < (left: RevisionID, right: RevisionID) -> Bool {
        left.generation != right.generation ? left.generation < right.generation : left.digest < right.digest
    }
}

extension RevisionID: CustomStringConvertible {
    /// `N-digest`.
    public var description: String { text }
}
