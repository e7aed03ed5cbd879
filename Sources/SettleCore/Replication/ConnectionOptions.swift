// How an endpoint is reached: through which proxy, and whom to trust on the way.
//
//     {"url":"https://peer.example/notes","tls":{"ca_file":"/etc/our-ca.pem"}}
//     "source_proxy":"socks5://127.0.0.1:1080"
//
// None of it is part of a replication's name, for none of it says what is copied. The sockets themselves cannot be
// tuned: CouchDB's `socket_options` and `ibrowse_options` are read and have no effect.

/// A proxy between here and an endpoint.
public struct ProxyEndpoint: Hashable, Sendable {
    /// The kinds of proxies.
    public enum Kind: Hashable, Sendable {
        /// One that speaks HTTP, with `CONNECT` for TLS.
        case http
        /// SOCKS 5, without credentials.
        case socks5
    }

    /// What it speaks.
    public let kind: Kind
    /// Its host.
    public let host: String
    /// Its port.
    public let port: Int
    package let user: String?
    package let password: String?
    /// The URL as it was given, with stars for the password.
    package let shownURL: String

    /// The proxy that a URL names: `http://bob:secret@host:3128` or `socks5://host:1080`; nil if it names none.
    ///
    /// A proxy that is itself reached with TLS is not among them.
    public init?(url: String) {
        let isSOCKS = url.utf8.starts(with: "socks5://".utf8)
        guard let parts = RemoteEndpoint(url: isSOCKS ? "http" + url.dropFirst(6) : url),
            !parts.isSecure, !(isSOCKS && parts.user != nil)
        else { return nil }
        kind = isSOCKS ? .socks5 : .http
        host = parts.host
        port = parts.port ?? (isSOCKS ? 1_080 : 3_128)
        (user, password) = (parts.user, parts.password)
        shownURL = Credentials.maskingPassword(url)
    }
}

/// Whom a connection with TLS trusts, and who we are in it.
public struct TLSOptions: Hashable, Sendable {
    /// Whether the peer has to prove that it is who the URL names.
    public var verifiesPeer = true
    /// A file of certificates in PEM form to trust instead of the system's.
    public var authoritiesFile: String?
    /// A file with our certificate and those above it, in PEM form.
    public var certificateFile: String?
    /// The file of the certificate's private key, in PEM form.
    public var keyFile: String?

    /// The system's trust, and no certificate of ours.
    public init() {}
}

extension TLSOptions {
    /// Takes `{"verify":…,"ca_file":…,"certificate_file":…,"key_file":…}`.
    init(_ value: JSONValue) throws(SettleError) {
        self.init()
        guard let object = value.object else { throw SettleError(.badRequest, "`tls` must be a JSON object") }
        for member in object.members {
            switch (member.name, member.value) {
            case ("verify", .bool(let verifies)): verifiesPeer = verifies
            case ("ca_file", .string(let path)): authoritiesFile = path
            case ("certificate_file", .string(let path)): certificateFile = path
            case ("key_file", .string(let path)): keyFile = path
            default: throw SettleError(.badRequest, "`tls` has no option `\(member.name)` of this kind")
            }
        }
        guard (certificateFile == nil) == (keyFile == nil) else {
            throw SettleError(.badRequest, "`tls` needs `certificate_file` and `key_file` together")
        }
    }
}
