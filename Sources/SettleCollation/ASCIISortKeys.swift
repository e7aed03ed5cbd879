// Sort keys of ASCII strings, put together from what ICU answers for single characters.
//
//     "aB"   2A 2C   01   06   01   C5 DC
//            ────────     ──        ─────
//            primary:     secondary: tertiary: case
//            which        accents
//            character
//
// An ICU sort key is three levels with 01 between them. On each level every character that isn't ignored has a weight.
// The primary ones follow each other. On the other two nearly all weights are the "common" one, 05, and a run of it is
// one number: n of them are 04 + n where the level ends or something lighter follows (so that the shorter run sorts
// first), and C6 - n on the tertiary level before something heavier, a capital letter. Long runs are split into whole
// blocks, 25 for 33 on the secondary level and 65 for 97 on the tertiary one.
//
// The primary weights and those of capitals come out of the ICU that is loaded: `init` asks for each character alone.
// How runs are written is ICU's algorithm. The subtle thing is that a later ICU may change all of this (give ASCII
// letters weights that share lead bytes and are compressed, say). So at the end `init` puts together a string with
// every pair of characters and one with runs of every length, and compares with ICU's keys for them.

/// What ICU knows about ASCII, in tables.
struct ASCIISortKeys: Sendable {
    /// The bytes of a character's primary weight, the first one highest; 0 for characters that are ignored.
    private var primaries: [UInt32] = []
    /// The byte of a character's tertiary weight.
    private var tertiaries: [UInt8] = []

    private static let common: UInt8 = 5
    private static let separator: UInt8 = 1

    /// Asks ICU about each character; nil if it answers otherwise than expected.
    init?(asking collator: OpaquePointer) {
        for character in 0..<UInt8(128) {
            let key = Self.key(of: [character], asking: collator)
            let levels = key.split(separator: Self.separator, omittingEmptySubsequences: false)
            guard levels.count == 3 else { return nil }
            let (primary, secondary, tertiary) = (levels[0], levels[1], levels[2])
            guard !primary.isEmpty else {
                guard secondary.isEmpty, tertiary.isEmpty else { return nil }
                primaries.append(0)
                tertiaries.append(0)
                continue
            }
            guard primary.count <= 4, secondary == [Self.common], tertiary.count == 1,
                let weight = tertiary.first,
                weight == Self.common || weight > Self.common
            else { return nil }
            let bytes = primary.reduce(UInt32(0)) { $0 << 8 | UInt32($1) }
            primaries.append(bytes << (8 * UInt32(4 - primary.count)))
            tertiaries.append(weight)
        }
        guard agrees(on: Self.allPairs, with: collator), agrees(on: Self.allRuns, with: collator) else {
            return nil
        }
    }

    /// Appends the sort key of a text; false, and nothing, if it isn't all ASCII.
    func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) -> Bool {
        let start = bytes.count
        var count = 0
        var hasCapitals = false
        for index in range {
            let character = text[index]
            guard character < 0x80 else {
                bytes.removeLast(bytes.count - start)
                return false
            }
            var primary = primaries[Int(character)]
            guard primary != 0 else { continue }
            count += 1
            hasCapitals = hasCapitals || tertiaries[Int(character)] != Self.common
            repeat {
                bytes.append(UInt8(truncatingIfNeeded: primary >> 24))
                primary <<= 8
            } while primary != 0
        }
        bytes.append(Self.separator)
        Self.appendLastRun(count, block: 33, to: &bytes)
        bytes.append(Self.separator)
        if hasCapitals {
            appendTertiaries(of: text, in: range, to: &bytes)
        } else {
            Self.appendLastRun(count, block: 97, to: &bytes)
        }
        return true
    }

    private func appendTertiaries(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
        var run = 0
        for index in range {
            let weight = tertiaries[Int(text[index])]
            if weight == Self.common {
                run += 1
            } else if weight != 0 {
                if run > 0 {
                    Self.appendBlocks(&run, block: 97, to: &bytes)
                    bytes.append(0xC6 - UInt8(run))
                    run = 0
                }
                bytes.append(weight)
            }
        }
        Self.appendLastRun(run, block: 97, to: &bytes)
    }

    /// Appends a run of common weights with nothing after it.
    private static func appendLastRun(_ count: Int, block: Int, to bytes: inout [UInt8]) {
        guard count > 0 else { return }
        var run = count
        appendBlocks(&run, block: block, to: &bytes)
        bytes.append(common - 1 + UInt8(run))
    }

    /// Appends the whole blocks of a run and leaves at least one of it.
    private static func appendBlocks(_ run: inout Int, block: Int, to bytes: inout [UInt8]) {
        while run > block {
            bytes.append(common - 1 + UInt8(block))
            run -= block
        }
    }
}

extension ASCIISortKeys {
    private static func key(of text: [UInt8], asking collator: OpaquePointer) -> [UInt8] {
        var key: [UInt8] = []
        ICUCollator.appendSortKey(of: text, in: text.indices, to: &key, asking: collator)
        return key
    }

    private func agrees(on text: [UInt8], with collator: OpaquePointer) -> Bool {
        var key: [UInt8] = []
        return appendSortKey(of: text, in: text.indices, to: &key)
            && key == Self.key(of: text, asking: collator)
    }

    /// Every character after every other.
    private static var allPairs: [UInt8] {
        (0..<UInt8(128)).flatMap { first in (0..<UInt8(128)).flatMap { second in [first, second] } }
    }

    /// Runs of up to 210 small letters, with a capital after each.
    private static var allRuns: [UInt8] {
        (0...210).flatMap { length in
            Array(repeating: UInt8(ascii: "a"), count: length) + [UInt8(ascii: "B")]
        }
    }
}
