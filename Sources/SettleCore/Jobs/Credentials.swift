// What may be shown of URLs that people have written credentials into.
//
//     http://bob:secret@host/db   → http://bob:*****@host/db   where it matters whose account it is (proxies)
//                                 → http://host/db             where it does not
//
// The subtle thing: a password may hold what a URL's password may not, such as a slash. Whoever wrote it like that has no
// working URL, but their password stands in it nevertheless. So whatever looks like `name:text@` behind the scheme counts as
// credentials, even if it leaves less of the URL than there was.

/// Credentials inside URLs.
package enum Credentials {
    /// The URL with stars instead of the password; as it is if it has none.
    package static func maskingPassword(_ url: String) -> String {
        let bytes = Array(url.utf8)
        guard let found = find(in: bytes), let colon = found.colon else { return url }
        return String(decoding: bytes[...colon] + Array("*****".utf8) + bytes[found.at...], as: UTF8.self)
    }

    /// The URL without user and password.
    package static func removing(from url: String) -> String {
        let bytes = Array(url.utf8)
        guard let found = find(in: bytes) else { return url }
        return String(decoding: bytes[..<found.start] + bytes[(found.at + 1)...], as: UTF8.self)
    }

    /// Where the credentials begin, the first colon in them, and the sign behind them.
    private static func find(in bytes: [UInt8]) -> (start: Int, colon: Int?, at: Int)? {
        let mark = Array("://".utf8)
        guard let scheme = bytes.indices.first(where: { bytes[$0...].starts(with: mark) }) else { return nil }
        let start = scheme + mark.count
        let rest = bytes[start...]
        let end = rest.firstIndex { [UInt8(ascii: "/"), UInt8(ascii: "?"), UInt8(ascii: "#")].contains($0) }
        let colon = rest.firstIndex(of: UInt8(ascii: ":"))
        if let at = bytes[start..<(end ?? bytes.count)].lastIndex(of: UInt8(ascii: "@")) {
            return (start, colon.flatMap { $0 < at ? $0 : nil }, at)
        }
        // Not in the place of credentials, and yet perhaps some.
        guard let colon, colon > start, let at = bytes[colon...].firstIndex(of: UInt8(ascii: "@")),
            at > colon + 1
        else { return nil }
        return (start, colon, at)
    }
}
