// Where a replication copies from or to: a database here, or one behind a URL.
//
//     notes                                          → .local(name: "notes")
//     http://bob:secret@peer.example:5985/notes      → .remote: host, port, path `/notes/`, user, password
//
// The URL is taken apart by hand, because a replication's name is made from the parts exactly as CouchDB sees them: the
// host as written, the path as written with a slash at its end, the port unless it is the scheme's own. The password is
// no part of the name, nor of anything that is shown.

/// The source or the target of a replication.
public enum ReplicationEndpoint: Hashable, Sendable {
    /// A database of this server or folder.
    case local(name: String)
    /// A database behind a URL.
    case remote(RemoteEndpoint)

    /// The endpoint without user and password, as `_active_tasks` and logs show it.
    public var description: String {
        switch self {
        case .local(let name): name
        case .remote(let remote): remote.shownURL
        }
    }

    /// The proxy on the way to it, without its password; nil if there is none.
    package var proxyDescription: String? {
        guard case .remote(let remote) = self else { return nil }
        return remote.proxy?.shownURL
    }
}

/// A database behind an HTTP URL, with what is needed to talk to it.
public struct RemoteEndpoint: Hashable, Sendable {
    /// Whether to use TLS.
    package var isSecure: Bool
    /// The host as written; brackets around an IPv6 address stay.
    package var host: String
    /// The port, where it is written.
    package var port: Int?
    /// The path of the database, percent-encoded as written, with slashes at both ends.
    package var path: String
    package var user: String?
    package var password: String?
    /// The headers that go with every request.
    package var headers: [NamedText] = []
    /// The proxy on the way to it.
    public var proxy: ProxyEndpoint?
    /// Whom to trust.
    public var tls = TLSOptions()
}

/// A name and a text: a header, or a parameter of a query.
public struct NamedText: Hashable, Sendable {
    /// The name, as given.
    public let name: String
    /// The text.
    public let value: String

    /// A text of this name.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

extension RemoteEndpoint {
    /// The endpoint that a URL names; nil unless it is `http://host…` or `https://host…`.
    public init?(url: String) {
        var rest = Array(url.utf8)[...]
        if rest.removePrefix("http://") {
            isSecure = false
        } else if rest.removePrefix("https://") {
            isSecure = true
        } else {
            return nil
        }
        if let end = rest.firstIndex(of: UInt8(ascii: "#")) { rest = rest[..<end] }
        if let end = rest.firstIndex(of: UInt8(ascii: "?")) { rest = rest[..<end] }
        let slash = rest.firstIndex(of: UInt8(ascii: "/")) ?? rest.endIndex
        var authority = rest[..<slash]
        path = String(decoding: rest[slash...], as: UTF8.self)
        if path.utf8.last != UInt8(ascii: "/") { path += "/" }
        if let at = authority.lastIndex(of: UInt8(ascii: "@")) {
            let parts = authority[..<at].split(
                separator: UInt8(ascii: ":"),
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            user = String(
                decoding: PercentEncoding.decode(Array(parts[0])[...], plusIsSpace: false),
                as: UTF8.self
            )
            password =
                parts.count > 1
                ? String(
                    decoding: PercentEncoding.decode(Array(parts[1])[...], plusIsSpace: false),
                    as: UTF8.self
                ) : ""
            authority = authority[(at + 1)...]
        }
        // An IPv6 address has colons of its own, inside brackets.
        let bracket = authority.lastIndex(of: UInt8(ascii: "]")) ?? authority.startIndex
        if let colon = authority[bracket...].lastIndex(of: UInt8(ascii: ":")) {
            let digits = authority[(colon + 1)...]
            if !digits.isEmpty {
                guard let port = Int(String(decoding: digits, as: UTF8.self)), (1...65_535).contains(port)
                else {
                    return nil
                }
                self.port = port
            }
            authority = authority[..<colon]
        }
        guard !authority.isEmpty, authority.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return nil }
        host = String(decoding: authority, as: UTF8.self)
    }

    /// The URL of the database, without credentials and with a slash at its end.
    package var url: String { origin + path }

    /// Scheme, host and port: the server.
    package var origin: String {
        "\(isSecure ? "https" : "http")://\(host)\(port.map { ":\($0)" } ?? "")"
    }

    /// Whether the host is this machine by its name, so that nothing between here and there is slow.
    package var isOnThisMachine: Bool {
        let bytes = Array(host.lowercased().utf8)
        return bytes.starts(with: "127.".utf8) || ["localhost", "[::1]"].contains { bytes == Array($0.utf8) }
    }

    /// The URL as it may be shown: without credentials, as CouchDB shows it.
    package var shownURL: String { url }

    /// The port where it isn't the scheme's own; CouchDB takes 5984 for http's own as well.
    package var unusualPort: Int? {
        guard let port else { return nil }
        return (isSecure ? [443] : [80, 5_984]).contains(port) ? nil : port
    }
}

extension ArraySlice<UInt8> {
    fileprivate mutating func removePrefix(_ prefix: String) -> Bool {
        guard starts(with: prefix.utf8) else { return false }
        self = dropFirst(prefix.utf8.count)
        return true
    }
}
