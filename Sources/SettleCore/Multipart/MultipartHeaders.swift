// The lines at the top of a part, and the one value among them that has an inside: `multipart/related;boundary="xyz"`.

/// The header fields of one part, in order.
package struct MultipartHeaders: Sendable {
    /// Names and values, as they were sent but for blanks around them.
    package var fields: [(name: String, value: String)]

    /// The header fields with these names and values.
    package init(_ fields: [(name: String, value: String)] = []) {
        self.fields = fields
    }

    /// The value of the first field of a name, in any case.
    package subscript(name: String) -> String? {
        let name = Array(name.lowercased().utf8)
        return fields.first { $0.name.lowercased().utf8.elementsEqual(name) }?.value
    }

    /// The media type in lower case, without its parameters; empty if there is none.
    package var mediaType: String {
        let bytes = Array((self["Content-Type"] ?? "").utf8)
        return String(decoding: bytes.prefix { $0 != UInt8(ascii: ";") }.trimmed, as: UTF8.self).lowercased()
    }

    /// A parameter of a field's value, such as the `name` of `Content-Disposition: form-data; name="a"`.
    package func parameter(_ parameter: String, of name: String) -> [UInt8]? {
        let bytes = Array((self[name] ?? "").utf8)
        return MultipartBoundary.parameter(parameter, bytes.drop { $0 != UInt8(ascii: ";") })
    }

    /// The boundary, if the part is a multipart body itself.
    package var boundary: MultipartBoundary? {
        MultipartBoundary(contentType: self["Content-Type"])
    }

    /// Whether the part tells of an error instead of a document: `application/json; error="true"`.
    package var isError: Bool {
        let bytes = Array((self["Content-Type"] ?? "").utf8)
        let parameters = bytes.drop { $0 != UInt8(ascii: ";") }
        return MultipartBoundary.parameter("error", parameters) == Array("true".utf8)
    }

    /// Reads the lines of a block; what is no field is passed over.
    init(lines: ArraySlice<UInt8>) {
        fields = []
        for line in lines.split(whereSeparator: { $0 == 0x0A || $0 == 0x0D }) {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { continue }
            let name = String(decoding: line[..<colon].trimmed, as: UTF8.self)
            fields.append((name, String(decoding: line[(colon + 1)...].trimmed, as: UTF8.self)))
        }
    }
}

extension MultipartHeaders: Equatable {
    /// Whether both have the same fields in the same order.
    package static func == (left: MultipartHeaders, right: MultipartHeaders) -> Bool {
        left.fields.elementsEqual(right.fields) {
            $0.name.hasSameBytes(as: $1.name) && $0.value.hasSameBytes(as: $1.value)
        }
    }
}

/// What a multipart content type says: its kind, such as `related`, and the text between the parts.
package struct MultipartBoundary: Hashable, Sendable {
    /// What follows `multipart/`, in lower case.
    package let subtype: String
    /// The boundary, without the hyphens before it.
    package let text: String

    /// Reads a content type; nil if it is no multipart type or names no boundary of 1 to 200 bytes.
    package init?(contentType: String?) {
        guard let contentType else { return nil }
        let bytes = Array(contentType.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.endIndex
        let type = String(decoding: bytes[..<end].trimmed, as: UTF8.self).lowercased()
        guard type.hasPrefix("multipart/"), let value = Self.parameter("boundary", bytes[end...]) else {
            return nil
        }
        guard (1...200).contains(value.count) else { return nil }
        subtype = String(type.dropFirst("multipart/".count))
        text = String(decoding: value, as: UTF8.self)
    }

    /// Looks through parameters such as `; charset=utf-8; boundary="a b"`.
    fileprivate static func parameter(_ wanted: String, _ parameters: ArraySlice<UInt8>) -> [UInt8]? {
        var rest = parameters
        while let mark = rest.first {
            if mark == UInt8(ascii: ";") {
                rest.removeFirst()
                continue
            }
            let name = rest.prefix { $0 != UInt8(ascii: "=") && $0 != UInt8(ascii: ";") }
            rest = rest.dropFirst(name.count)
            guard rest.first == UInt8(ascii: "=") else { continue }
            rest = rest.dropFirst().drop { $0 == 0x20 || $0 == 0x09 }
            let value = rest.first == UInt8(ascii: "\"") ? quoted(&rest) : token(&rest)
            let lowercased = String(decoding: name.trimmed, as: UTF8.self).lowercased()
            if lowercased.hasSameBytes(as: wanted) { return value }
        }
        return nil
    }

    private static func token(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        let value = rest.prefix { $0 != UInt8(ascii: ";") }
        rest = rest.dropFirst(value.count)
        return Array(value.trimmed)
    }

    private static func quoted(_ rest: inout ArraySlice<UInt8>) -> [UInt8] {
        var value: [UInt8] = []
        rest.removeFirst()
        while let byte = rest.popFirst(), byte != UInt8(ascii: "\"") {
            value.append(byte == UInt8(ascii: "\\") ? rest.popFirst() ?? byte : byte)
        }
        return value
    }
}
