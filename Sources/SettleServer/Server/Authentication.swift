// Who asks.
//
// Without an administrator everybody is one (CouchDB's "admin party"), which is why the server then only listens on
// the loopback. With one, every request needs the cookie of a session or these Basic credentials, but for the few
// resources that tell a client what server it talks to.

import NIOHTTP1
import SettleCore

#if canImport(Darwin)
import Darwin
#elseif canImport(Musl)
import Musl
#else
import Glibc
#endif

/// A user as the routes see it.
struct UserContext: Sendable {
    /// How somebody showed who they are, under CouchDB's name for it.
    enum Proof: String, Sendable {
        case cookie
        case basic = "default"
    }

    /// The name; nil for somebody who gave none.
    let name: String?
    /// Whether everything is allowed.
    let isAdministrator: Bool
    /// What credentials were sent, if they were right.
    let proof: Proof?
    /// A new token for a session whose old one is wearing out.
    var renewedToken: String?

    static let anonymous = UserContext(name: nil, isAdministrator: false, proof: nil)
    /// Everybody, where there is no administrator.
    static let party = UserContext(name: nil, isAdministrator: true, proof: nil)
}

/// Decides who a request comes from and whether it may go on.
struct Authenticator: Sendable {
    /// How long a session's token is good unless the setting `chttpd_auth/timeout` says otherwise, in seconds.
    private static let usualTimeout = 600

    private let administrator: ServerConfiguration.Administrator?
    /// The header's value that almost every request of the administrator has.
    private let expected: [UInt8]
    private let salt: [UInt8]
    private let settings: SettingsStore

    init(administrator: ServerConfiguration.Administrator?, settings: SettingsStore) {
        self.administrator = administrator
        self.settings = settings
        expected = administrator.map { Array("\($0.name):\($0.password)".utf8) } ?? []
        salt = SessionToken.salt(credentials: expected)
    }

    /// The user whom a request's `Cookie` or `Authorization` names.
    func user(_ headers: HTTPHeaders) throws(SettleError) -> UserContext {
        guard let administrator else { return .party }
        if let user = try sessionUser(headers) { return user }
        guard let authorization = headers.first(name: "Authorization") else { return .anonymous }
        let scheme = authorization.utf8.prefix { $0 != UInt8(ascii: " ") }
        guard Substring(scheme).lowercased() == "basic" else { return .anonymous }
        let text = authorization.utf8.dropFirst(6)
        guard let credentials = Base64.decode(text) else {
            throw SettleError(.badRequest, "Authorization header has invalid base64 value")
        }
        guard Self.areEqual(credentials, expected) else { throw Self.wrongCredentials }
        return UserContext(name: administrator.name, isAdministrator: true, proof: .basic)
    }

    /// What is said about a wrong name as about a wrong password.
    static let wrongCredentials = SettleError(.unauthorized, "Name or password is incorrect.")

    /// Why a user may not use a resource; nil if the user may.
    static func refusal(user: UserContext, method: HTTPMethod, path: [[UInt8]]) -> SettleError? {
        if user.isAdministrator { return nil }
        guard let first = path.first else { return nil }
        let isOpen = ["_up", "_session", "_uuids"].contains { first.elementsEqual($0.utf8) }
        if path.count == 1, isOpen { return nil }
        if first.elementsEqual("_replicate".utf8) {
            return SettleError(.unauthorized, "You are not an authenticated user")
        }
        let makesDatabases = path.count == 1 && (method == .PUT || method == .DELETE)
        let isServer = first.first == UInt8(ascii: "_") || makesDatabases
        return SettleError(
            .unauthorized,
            isServer ? "You are not a server admin." : "You are not authorized to access this db."
        )
    }

    /// Compares without telling by its duration where the difference is.
    private static func areEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        var difference = left.count ^ right.count
        for index in 0..<left.count {
            difference |= Int(left[index] ^ (right.isEmpty ? 0 : right[index % right.count]))
        }
        return difference == 0
    }
}

// MARK: Sessions

extension Authenticator {
    private static var now: Int { Int(time(nil)) }

    private var timeout: Int {
        settings.value("chttpd_auth", "timeout").flatMap { Int($0) } ?? Self.usualTimeout
    }

    /// The user of a session; nil if the request belongs to none, or to one that is over.
    private func sessionUser(_ headers: HTTPHeaders) throws(SettleError) -> UserContext? {
        guard let field = headers.first(name: "Cookie"), let text = SessionCookie.value(in: field) else {
            return nil
        }
        let token = try SessionToken(parsing: text)
        let (now, timeout) = (Self.now, timeout)
        guard let administrator, token.name.utf8.elementsEqual(administrator.name.utf8),
            let secret = settings.value("chttpd_auth", "secret"),
            token.isSigned(with: Array(secret.utf8) + salt), token.isCurrent(at: now, timeout: timeout)
        else { return nil }
        var user = UserContext(name: administrator.name, isAdministrator: true, proof: .cookie)
        if token.isDue(at: now, timeout: timeout) {
            user.renewedToken = SessionToken.text(
                name: administrator.name,
                time: now,
                key: Array(secret.utf8) + salt
            )
        }
        return user
    }

    /// Begins a session.
    ///
    /// - Returns: The user, with the session's token.
    /// - Throws: `unauthorized` if name or password are wrong.
    func logIn(name: String, password: String) throws(SettleError) -> (user: UserContext, token: String) {
        guard let administrator, Self.areEqual(Array("\(name):\(password)".utf8), expected) else {
            throw Self.wrongCredentials
        }
        let key = Array(try secret().utf8) + salt
        let token = SessionToken.text(name: administrator.name, time: Self.now, key: key)
        return (UserContext(name: administrator.name, isAdministrator: true, proof: .cookie), token)
    }

    /// The server's secret, made up at the first login and kept, so that sessions survive a restart.
    private func secret() throws(SettleError) -> String {
        if let secret = settings.value("chttpd_auth", "secret") { return secret }
        let digits = (0..<4).map { _ in
            let digits = String(UInt64.random(in: 0...UInt64.max), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        return try settings.keep("chttpd_auth", "secret", digits)
    }
}
