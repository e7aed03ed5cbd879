// Erlang's external term format, as far as JSON needs it: the bytes that CouchDB hashes into revisions.
//
//     {"a":[1,2,3],"b":-2.5}  is  {[{<<"a">>,[1,2,3]},{<<"b">>,-2.5}]}  is
//     68 01                                a tuple of one element, a list:
//        6c 00000002                       two elements,
//           68 02  6d 00000001 61          a tuple: the binary "a",
//                  6b 0003 01 02 03        and a "string", the short form of a list of bytes
//           68 02  6d 00000001 62  46 c004000000000000
//        6a                                and nothing after them
//
// Minor version 1: atoms are ATOM_EXT (100), doubles NEW_FLOAT_EXT (70).
//
// The subtle thing: a list of 1 to 65,535 integers that are all 0 to 255 takes the form of a string. Whether an array
// is one is only known at its end, so it is written as a list and then squeezed.

/// Writes values in Erlang's external term format.
enum ErlangTerm {
    static func appendNull(to term: inout [UInt8]) { appendAtom("null", to: &term) }
    static func appendTrue(to term: inout [UInt8]) { appendAtom("true", to: &term) }
    static func appendFalse(to term: inout [UInt8]) { appendAtom("false", to: &term) }

    private static func appendAtom(_ name: String, to term: inout [UInt8]) {
        term.append(100)
        term.append(0)
        term.append(UInt8(name.utf8.count))
        term.append(contentsOf: name.utf8)
    }

    /// Appends a tag and a count of four bytes, as binaries and lists begin.
    @inline(__always)
    static func appendHeader(_ tag: UInt8, count: Int, to term: inout [UInt8]) {
        let count = UInt32(truncatingIfNeeded: count)
        term.append(tag)
        term.append(UInt8(truncatingIfNeeded: count >> 24))
        term.append(UInt8(truncatingIfNeeded: count >> 16))
        term.append(UInt8(truncatingIfNeeded: count >> 8))
        term.append(UInt8(truncatingIfNeeded: count))
    }

    /// Begins a list whose count isn't known yet.
    static func openList(in term: inout [UInt8]) {
        appendHeader(108, count: 0, to: &term)
    }

    /// Ends the list that was begun at `start`.
    static func closeList(at start: Int, count: Int, in term: inout [UInt8]) {
        if count == 0 {
            term.removeLast(term.count - start)
        } else {
            let count = UInt32(truncatingIfNeeded: count)
            term[start + 1] = UInt8(truncatingIfNeeded: count >> 24)
            term[start + 2] = UInt8(truncatingIfNeeded: count >> 16)
            term[start + 3] = UInt8(truncatingIfNeeded: count >> 8)
            term[start + 4] = UInt8(truncatingIfNeeded: count)
        }
        term.append(106)
    }

    /// Ends the list that was begun at `start` and holds nothing but integers from 0 to 255: two bytes each so far.
    static func closeListOfBytes(at start: Int, count: Int, in term: inout [UInt8]) {
        guard (1...0xFFFF).contains(count) else {
            closeList(at: start, count: count, in: &term)
            return
        }
        term[start] = 107
        term[start + 1] = UInt8(count >> 8)
        term[start + 2] = UInt8(count & 0xFF)
        for index in 0..<count {
            term[start + 3 + index] = term[start + 6 + 2 * index]
        }
        term.removeLast(term.count - (start + 3 + count))
    }

    /// Appends an integer of 64 bits.
    static func appendInteger(_ value: Int64, to term: inout [UInt8]) {
        if let byte = UInt8(exactly: value) {
            term.append(97)
            term.append(byte)
        } else if let word = Int32(exactly: value) {
            appendHeader(98, count: Int(word), to: &term)
        } else {
            var magnitude = value.magnitude
            term.append(110)
            term.append(UInt8((71 - magnitude.leadingZeroBitCount) / 8))
            term.append(value < 0 ? 1 : 0)
            while magnitude > 0 {
                term.append(UInt8(truncatingIfNeeded: magnitude))
                magnitude >>= 8
            }
        }
    }

    /// Appends an integer beyond 64 bits, given as its decimal digits, in quadratic time.
    static func appendBigInteger(digits: ArraySlice<UInt8>, isNegative: Bool, to term: inout [UInt8]) {
        let words = BinaryDigits.words(of: digits)
        let count = words.count * 8 - (words.last?.leadingZeroBitCount ?? 0) / 8
        if count <= 255 {
            term.append(110)
            term.append(UInt8(count))
        } else {
            appendHeader(111, count: count, to: &term)
        }
        term.append(isNegative ? 1 : 0)
        for index in 0..<count {
            term.append(UInt8(truncatingIfNeeded: words[index / 8] >> (8 * UInt64(index % 8))))
        }
    }

    /// Appends a double.
    static func appendDouble(_ value: Double, to term: inout [UInt8]) {
        term.append(70)
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 8
            term.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
        }
    }

    /// Appends a binary.
    static func appendBinary(_ bytes: [UInt8], to term: inout [UInt8]) {
        appendHeader(109, count: bytes.count, to: &term)
        term.append(contentsOf: bytes)
    }
}
