// Where a request goes: the path of its request line, taken apart as CouchDB does it.
//
//     //notes/a%2Fb/?rev=1-x&conflicts=true#here
//       segments  [notes] [a/b]                    empty ones do not count, a fragment is dropped
//       query     rev=1-x, conflicts=true
//
// The subtle thing: the segments are split before they are decoded, so `a%2Fb` is one segment and `a/b` are two.
// The undecoded text stays, for the one redirect that needs it (`/db/_design%2Fx` to `/db/_design/x`).

/// The target of a request: decoded path segments and query parameters.
package struct RequestTarget: Sendable {
    /// The undecoded text, as the client sent it.
    package let text: String
    /// The decoded segments of the path, without empty ones.
    package let segments: [[UInt8]]
    /// The decoded query.
    package let query: QueryParameters

    /// Takes a request target apart; any text is one.
    package init(_ text: String) {
        self.text = text
        let bytes = Array(text.utf8)
        let end = bytes.firstIndex(of: UInt8(ascii: "#")) ?? bytes.endIndex
        let mark = bytes[..<end].firstIndex(of: UInt8(ascii: "?"))
        var path = bytes[..<(mark ?? end)]
        if path.first != UInt8(ascii: "/") {
            path = Self.withoutOrigin(path)
        }
        var segments: [[UInt8]] = []
        segments.reserveCapacity(4)
        for segment in path.split(separator: UInt8(ascii: "/")) {
            segments.append(PercentEncoding.decode(segment))
        }
        self.segments = segments
        query = mark.map { QueryParameters(bytes[($0 + 1)..<end]) } ?? QueryParameters()
    }

    /// The path of `http://host/path`, which proxies send.
    private static func withoutOrigin(_ path: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let scheme = path.prefix { $0 != UInt8(ascii: "/") }
        guard scheme.last == UInt8(ascii: ":"), path.dropFirst(scheme.count).starts(with: "//".utf8) else {
            return path
        }
        return path.dropFirst(scheme.count + 2).drop { $0 != UInt8(ascii: "/") }
    }
}

/// The parameters of a query, in their order.
package struct QueryParameters: Sendable {
    /// Names and values, decoded; a name without a value has an empty one.
    package let items: [(name: String, value: String)]

    /// No parameters.
    package init() {
        items = []
    }

    /// Parameters that come from elsewhere.
    package init(items: [(name: String, value: String)]) {
        self.items = items
    }

    /// Reads `a=b&c=d`; a semicolon separates like an ampersand.
    package init(_ text: ArraySlice<UInt8>) {
        var items: [(name: String, value: String)] = []
        for part in text.split(whereSeparator: { $0 == UInt8(ascii: "&") || $0 == UInt8(ascii: ";") }) {
            let equals = part.firstIndex(of: UInt8(ascii: "="))
            let name = PercentEncoding.decode(part[..<(equals ?? part.endIndex)])
            let value = equals.map { PercentEncoding.decode(part[($0 + 1)...]) } ?? []
            items.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        self.items = items
    }

    /// Whether there are none.
    package var isEmpty: Bool { items.isEmpty }

    /// The value of the first parameter with this name.
    package subscript(name: String) -> String? {
        items.isEmpty ? nil : items.first { $0.name == name }?.value
    }
}
