// Erlang's external term format, as far as a replication's name needs it.
//
// CouchDB names a replication by the MD5 of an Erlang term in this format (`term_to_binary` with minor version 1), so
// anyone who wants the same name must write the same bytes. A term starts with the byte 131; every value is a tag and
// its content, numbers big-endian.
//
// The subtle thing: Erlang has no strings. Text in a database is a binary (109), text inside the server is a list of
// numbers, and a list of nothing but bytes has a short form of its own (107), which is then obligatory.

/// A value of Erlang.
package indirect enum ErlangTerm: Hashable, Sendable {
    case atom(String)
    case integer(Int)
    case float(Double)
    case binary([UInt8])
    case list([ErlangTerm])
    case tuple([ErlangTerm])
}

extension ErlangTerm {
    /// Text as Erlang's own: a list of its bytes.
    package static func string(_ text: String) -> Self {
        .list(text.utf8.map { .integer(Int($0)) })
    }

    /// Text as a binary.
    package static func binary(_ text: String) -> Self {
        .binary(Array(text.utf8))
    }

    /// `term_to_binary(Term, [{minor_version, 1}])`.
    package var externalFormat: [UInt8] {
        var bytes: [UInt8] = [131]
        append(to: &bytes)
        return bytes
    }

    private func append(to bytes: inout [UInt8]) {
        switch self {
        case .atom(let name):
            bytes.append(100)
            bytes.append(bigEndian: UInt16(truncatingIfNeeded: name.utf8.count))
            bytes.append(contentsOf: name.utf8)
        case .integer(let value): Self.append(value, to: &bytes)
        case .float(let value):
            bytes.append(70)
            bytes.append(bigEndian: value.bitPattern)
        case .binary(let content):
            bytes.append(109)
            bytes.append(bigEndian: UInt32(truncatingIfNeeded: content.count))
            bytes.append(contentsOf: content)
        case .list(let elements): Self.append(elements, to: &bytes)
        case .tuple(let elements):
            bytes.append(contentsOf: [104, UInt8(truncatingIfNeeded: elements.count)])
            for element in elements { element.append(to: &bytes) }
        }
    }

    private static func append(_ elements: [ErlangTerm], to bytes: inout [UInt8]) {
        if elements.isEmpty {
            bytes.append(106)
            return
        }
        let characters = elements.compactMap(\.byte)
        if characters.count == elements.count, characters.count <= 0xffff {
            bytes.append(107)
            bytes.append(bigEndian: UInt16(characters.count))
            bytes.append(contentsOf: characters)
            return
        }
        bytes.append(108)
        bytes.append(bigEndian: UInt32(truncatingIfNeeded: elements.count))
        for element in elements { element.append(to: &bytes) }
        bytes.append(106)
    }

    private static func append(_ value: Int, to bytes: inout [UInt8]) {
        if let byte = UInt8(exactly: value) {
            bytes.append(contentsOf: [97, byte])
        } else if let short = Int32(exactly: value) {
            bytes.append(98)
            bytes.append(bigEndian: UInt32(bitPattern: short))
        } else {
            // Longer ones: the number of bytes, the sign, then the magnitude with its lowest byte first.
            var magnitude = value.magnitude
            var digits: [UInt8] = []
            while magnitude > 0 {
                digits.append(UInt8(truncatingIfNeeded: magnitude))
                magnitude >>= 8
            }
            bytes.append(contentsOf: [110, UInt8(digits.count), value < 0 ? 1 : 0])
            bytes.append(contentsOf: digits)
        }
    }

    private var byte: UInt8? {
        if case .integer(let value) = self { UInt8(exactly: value) } else { nil }
    }
}

extension [UInt8] {
    fileprivate mutating func append(bigEndian value: some FixedWidthInteger) {
        var shift = value.bitWidth
        while shift > 0 {
            shift -= 8
            append(UInt8(truncatingIfNeeded: value >> shift))
        }
    }
}
