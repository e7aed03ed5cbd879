// Parts of collation keys: where a key ends, and which of its bytes make the group it belongs to.
//
//     group_level=2:   [2024,1,5] and [2024,1,20] are one group, [2024] is another, "x" is one of its own
//
//     31 ‹2024› ‹1› ‹5› 00      group: 31 ‹2024› ‹1›
//     31 ‹2024› 00              group: 31 ‹2024› 00
//
// Two rows are of one group exactly when these bytes are equal, so grouping needs neither JSON nor a collator. The
// subtle thing is the end mark: an array that ends before the level's elements are there keeps it, one that has them
// doesn't, whether more follow or not.

extension CollationKey {
    /// How many bytes the key at the beginning of `bytes` takes; `bytes` may go on after it.
    ///
    /// - Parameter bytes: what `append` has written, and anything.
    /// - Returns: the key's length.
    package static func length(of bytes: ArraySlice<UInt8>) -> Int {
        end(of: bytes, at: bytes.startIndex) - bytes.startIndex
    }

    /// How many bytes at the beginning of a key identify its group.
    ///
    /// - Parameters:
    ///   - key: what `append` has written; a document's id may follow.
    ///   - level: how many elements of an array count; keys that are no arrays count whole, except at level 0, where
    ///     there is one group.
    /// - Returns: the prefix's length.
    package static func groupPrefixLength(of key: ArraySlice<UInt8>, level: Int) -> Int {
        guard level > 0, let tag = key.first else { return 0 }
        guard level < Int.max, tag == Tag.array || tag == Tag.rawArray else { return length(of: key) }
        var index = key.startIndex + 1
        var elements = 0
        while elements < level {
            guard key[index] != Tag.end else { return index + 1 - key.startIndex }
            index = end(of: key, at: index)
            elements += 1
        }
        return index - key.startIndex
    }

    /// The index after the value that begins at `start`; values inside values are counted instead of recursed into.
    private static func end(of key: ArraySlice<UInt8>, at start: Int) -> Int {
        var index = start
        var depth = 0
        repeat {
            switch key[index] {
            case Tag.end: depth -= 1
            case Tag.array, Tag.object, Tag.rawArray, Tag.rawObject: depth += 1
            case Tag.negative: index = endOfNumber(key, at: index, mask: 0xFF)
            case Tag.positive: index = endOfNumber(key, at: index, mask: 0)
            case Tag.string:
                repeat { index += 1 } while key[index] != 0
            case Tag.rawString:
                repeat { index += 1 } while !(key[index - 1] == 0 && key[index] == 1)
            default: break
            }
            index += 1
        } while depth > 0
        return index
    }

    /// The index of the last byte of the number whose tag stands at `start`.
    private static func endOfNumber(_ key: ArraySlice<UInt8>, at start: Int, mask: UInt8) -> Int {
        let exponent = key[start + 1] ^ mask
        var index = start + (exponent == 0x01 || exponent == 0xFE ? 5 : 2)
        while (key[index] ^ mask) & 1 == 1 { index += 1 }
        return index
    }
}
