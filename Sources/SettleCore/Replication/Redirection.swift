// Where an answer with a 3xx status sends a request.
//
//     GET http://a.example/notes/_changes   →   302, Location: /other/_changes
//     POST http://a.example/notes/_bulk_docs  →  301, Location: https://b.example/notes/_bulk_docs
//
// As in CouchDB's replicator the method and the body stay the same, except after a 303, which says that the answer is
// elsewhere and to be asked for with GET. (Browsers make a GET of a POST after a 301 or 302; a `_bulk_docs` that became a
// GET would be an error at best.)
//
// The subtle thing: name, password, cookie and the endpoint's own headers are for the server that the user named. When the
// way leads to another one, none of them go along, whoever answers there.

/// What a redirecting answer asks for.
package struct Redirection: Hashable, Sendable {
    /// The most redirections in a row that are followed.
    package static let limit = 5

    /// The whole URL to go to.
    package let url: String
    /// Whether the request stays what it is, rather than become a GET without a body.
    package let keepsMethod: Bool
    /// Whether the same server answers there: the same scheme, host and port.
    package let isSameOrigin: Bool
    /// Whether the server says that this is so for good.
    package let isPermanent: Bool

    /// Reads an answer's status and `Location`; nil unless it redirects to an HTTP URL.
    package init?(status: Int, location: String?, from url: String) {
        guard [301, 302, 303, 307, 308].contains(status), let location,
            let base = URLParts(url), let target = base.resolve(location)
        else { return nil }
        self.url = target.text
        keepsMethod = status != 303
        isSameOrigin = target.origin == base.origin
        isPermanent = status == 301 || status == 308
    }

    /// Where a database is, if one of its URLs moved and the rest of it stayed: `…/notes/_changes` → `…/new/_changes`.
    package static func base(moving from: String, suffix: String, to url: String) -> String? {
        guard Array(from.utf8).hasSuffix(suffix), Array(url.utf8).hasSuffix(suffix) else { return nil }
        let base = String(decoding: url.utf8.dropLast(suffix.utf8.count), as: UTF8.self)
        return base.utf8.last == UInt8(ascii: "/") ? base : nil
    }
}

/// A URL taken apart as far as relative references need it.
private struct URLParts {
    var scheme: String
    var authority: String
    var path: String
    /// What follows the path, with the question mark.
    var query = ""

    var text: String { "\(scheme)://\(authority)\(path)\(query)" }

    /// Scheme, host and port, written in one way.
    var origin: [UInt8] {
        let host = Array(authority.lowercased().utf8)
        let usual = Array((scheme == "https" ? ":443" : ":80").utf8)
        let bare = host.suffix(usual.count).elementsEqual(usual) ? host.dropLast(usual.count) : host[...]
        return Array("\(scheme)://".utf8) + bare
    }

    init?(_ url: String) {
        guard let colon = url.utf8.firstIndex(of: UInt8(ascii: ":")) else { return nil }
        scheme = String(url[..<colon]).lowercased()
        let rest = Array(url.utf8)[(scheme.utf8.count + 1)...]
        guard scheme == "http" || scheme == "https", rest.starts(with: "//".utf8) else { return nil }
        let behind = rest.dropFirst(2)
        let end = behind.firstIndex { "/?#".utf8.contains($0) } ?? behind.endIndex
        // Credentials that somebody else's answer puts into a URL are not ours to use.
        let host = behind[..<end].split(separator: UInt8(ascii: "@"), omittingEmptySubsequences: false).last
        guard let host, !host.isEmpty else { return nil }
        authority = String(decoding: host, as: UTF8.self)
        path = "/"
        setPath(behind[end...])
    }

    /// Takes the path and the query out of the rest of a URL.
    private mutating func setPath(_ rest: ArraySlice<UInt8>) {
        let text = rest.prefix { $0 != UInt8(ascii: "#") }
        let mark = text.firstIndex(of: UInt8(ascii: "?")) ?? text.endIndex
        path = String(decoding: text[..<mark], as: UTF8.self)
        if path.isEmpty { path = "/" }
        query = String(decoding: text[mark...], as: UTF8.self)
    }

    /// The URL that a reference means, read from here.
    func resolve(_ reference: String) -> URLParts? {
        let bytes = Array(reference.utf8)
        // A control character would end the request's first line.
        guard !bytes.isEmpty, bytes.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        if let absolute = URLParts(reference) { return absolute }
        if bytes.starts(with: "//".utf8) { return URLParts(scheme + ":" + reference) }
        // Another scheme than HTTP's.
        if let stop = bytes.first(where: { ":/?#".utf8.contains($0) }), stop == UInt8(ascii: ":") {
            return nil
        }
        var target = self
        if bytes[0] == UInt8(ascii: "?") {
            target.setPath(Array(path.utf8) + bytes[...])
        } else if bytes[0] == UInt8(ascii: "/") {
            target.setPath(bytes[...])
        } else {
            let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) ?? path.startIndex
            target.setPath((Array(path.utf8[...slash]) + bytes)[...])
        }
        target.removeDots()
        return target
    }

    /// Takes `.` and `..` out of the path.
    private mutating func removeDots() {
        var kept: [Substring] = []
        let segments = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
        for segment in segments {
            switch segment {
            case ".": break
            case "..": _ = kept.popLast()
            default: kept.append(segment)
            }
        }
        let isFolder = segments.last == "." || segments.last == ".."
        path = "/" + kept.joined(separator: "/") + (isFolder && !kept.isEmpty ? "/" : "")
    }
}

extension [UInt8] {
    fileprivate func hasSuffix(_ text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
