// What attachments with the same bytes have in common: the SHA-256 of those bytes, under which they are stored once.
//
// It is taken of the bytes as stored, so of the compressed ones where they are compressed. CouchDB's digest, an MD5,
// could not do this: anyone can make two files that share one.

/// The SHA-256 of an attachment's stored bytes.
package struct BlobKey: Hashable, Sendable {
    /// How many bytes a key has.
    package static let length = 32

    // Four big-endian words: a key is copied and compared without touching the heap.
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// The key with these 32 bytes; nil if there are more or fewer.
    package init?(bytes: some Sequence<UInt8>) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        var count = 0
        for byte in bytes {
            switch count / 8 {
            case 0: words.0 = words.0 << 8 | UInt64(byte)
            case 1: words.1 = words.1 << 8 | UInt64(byte)
            case 2: words.2 = words.2 << 8 | UInt64(byte)
            case 3: words.3 = words.3 << 8 | UInt64(byte)
            default: return nil
            }
            count += 1
        }
        guard count == Self.length else { return nil }
        (first, second, third, fourth) = words
    }

    /// Appends the 32 bytes.
    package func append(to output: inout [UInt8]) {
        for word in [first, second, third, fourth] {
            for shift in stride(from: UInt64(56), through: 0, by: -8) {
                output.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
    }

    /// The 32 bytes.
    package var bytes: [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(Self.length)
        append(to: &output)
        return output
    }
}

extension BlobKey {
    /// Reads a key as JSON has it: base64; nil if it is none.
    package init?(text: String) {
        guard let bytes = Base64.decodeStrictly(Array(text.utf8)) else { return nil }
        self.init(bytes: bytes)
    }

    /// The key as JSON has it: base64.
    package var text: String { Base64.encoded(bytes) }
}

extension BlobKey: Comparable {
    /// Orders keys as their bytes are ordered.
    package static func < (left: BlobKey, right: BlobKey) -> Bool {
        (left.first, left.second, left.third, left.fourth)
            < (right.first, right.second, right.third, right.fourth)
    }
}
