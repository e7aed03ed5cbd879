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
        var position = payload.startIndex
        key = Self.part(of: payload, at: &position)
        id = Self.part(of: payload, at: &position)
        value = payload[position...]
    }

    /// Where the value's text begins, without looking at the rest.
    package static func value(of payload: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var position = payload.startIndex
        _ = part(of: payload, at: &position)
        _ = part(of: payload, at: &position)
        return payload[position...]
    }

    private static func part(of payload: ArraySlice<UInt8>, at position: inout Int) -> ArraySlice<UInt8> {
        var length = 0
        var shift = 0
        while position < payload.endIndex, shift < 63 {
            let byte = payload[position]
            position += 1
            length |= Int(byte & 0x7F) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position = length <= payload.endIndex - start ? start + length : payload.endIndex
        return payload[start..<position]
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
