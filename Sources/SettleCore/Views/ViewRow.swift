// What a view's row keeps beside its sort key: the texts that a query shows.
//
//     payload  varint length, key text; varint length, document id; value text
//
// Key and value are canonical JSON. The sort key alone would not do: keys that collate equal (1 and 1.0) have the same.

/// The parts of a row's payload.
package struct ViewRow: Sendable {
    /// The emitted key's JSON text.
    package let key: ArraySlice<UInt8>
    /// The id of the document that emitted the row.
    package let id: ArraySlice<UInt8>
    /// The emitted value's JSON text.
    package let value: ArraySlice<UInt8>

    /// Takes a payload apart; one that is none reads as a row of empty parts.
    package init(_ payload: ArraySlice<UInt8>) {
        let (start, end) = (payload.startIndex, payload.endIndex)
        var position = 0
        let key = Self.part(of: payload.span, at: &position, end: end - start)
        let id = Self.part(of: payload.span, at: &position, end: end - start)
        self.key = payload[start + key.lowerBound..<start + key.upperBound]
        self.id = payload[start + id.lowerBound..<start + id.upperBound]
        value = payload[start + position..<end]
    }

    /// Where the value's text is in a payload that lies in `bytes`.
    static func value(in bytes: [UInt8], payload: Range<Int>) -> Range<Int> {
        var position = payload.lowerBound
        _ = part(of: bytes.span, at: &position, end: payload.upperBound)
        _ = part(of: bytes.span, at: &position, end: payload.upperBound)
        return position..<payload.upperBound
    }

    /// Where the part is that begins at `position`, which moves behind it.
    private static func part(of bytes: Span<UInt8>, at position: inout Int, end: Int) -> Range<Int> {
        var length = 0
        var shift = 0
        while position < end, shift < 63 {
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position = length <= end - start ? start + length : end
        return start..<position
    }

    /// Appends the payload of a row.
    package static func appendPayload(
        key: ArraySlice<UInt8>,
        id: ArraySlice<UInt8>,
        value: ArraySlice<UInt8>,
        to output: inout [UInt8]
    ) {
        appendVarint(UInt64(key.count), to: &output)
        output.append(contentsOf: key)
        appendVarint(UInt64(id.count), to: &output)
        output.append(contentsOf: id)
        output.append(contentsOf: value)
    }
}
