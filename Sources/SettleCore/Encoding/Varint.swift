// Numbers in as few bytes as they need: seven bits a byte, lowest first, the high bit set on all but the last.
//
//     5    -> 05
//     300  -> AC 02          (300 = 2·128 + 44)
//
// The subtle thing: every number has exactly one spelling here. Reading refuses a longer one (`80 00` for 0), so two
// equal values always have equal bytes and stored bytes can be compared without decoding them.

/// Appends a number in one to ten bytes.
@inlinable
package func appendVarint(_ value: UInt64, to output: inout [UInt8]) {
    var rest = value
    while rest >= 0x80 {
        output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
        rest >>= 7
    }
    output.append(UInt8(truncatingIfNeeded: rest))
}

/// Reads the number that begins at `position` and moves `position` behind it.
///
/// Nil, with `position` unchanged, if the bytes end too early, the number exceeds 64 bits, or the spelling is longer
/// than need be.
@inlinable
@inline(__always)
package func readVarint(_ bytes: borrowing Span<UInt8>, at position: inout Int) -> UInt64? {
    // Most numbers are a byte.
    if position >= 0, position < bytes.count, bytes[position] < 0x80 {
        defer { position += 1 }
        return UInt64(bytes[position])
    }
    return readLongVarint(bytes, at: &position)
}

/// Reads a number of any length; see the form that looks for short ones first.
@inlinable
package func readLongVarint(_ bytes: borrowing Span<UInt8>, at position: inout Int) -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    var index = position
    while index >= 0, index < bytes.count {
        let byte = bytes[index]
        index += 1
        // The tenth byte holds the 64th bit alone.
        if shift == 63, byte > 1 { return nil }
        value |= UInt64(byte & 0x7F) << shift
        if byte < 0x80 {
            if byte == 0, shift > 0 { return nil }
            position = index
            return value
        }
        shift += 7
    }
    return nil
}

/// Reads the number that begins at `position` of an array; see the other form.
@inlinable
package func readVarint(_ bytes: [UInt8], at position: inout Int) -> UInt64? {
    readVarint(bytes.span, at: &position)
}
