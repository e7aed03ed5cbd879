// Who asks.
//
// Without an administrator everybody is one (CouchDB's "admin party"), which is why the server then only listens on
// the loopback. With one, every request needs these Basic credentials, but for the few resources that tell a client
// what server it talks to.

import NIOHTTP1
import SettleCore

/// A user as the routes see it.
struct UserContext: Sendable {
    /// The name; nil for somebody who gave none.
    let name: String?
    /// Whether everything is allowed.
    let isAdministrator: Bool
    /// Whether credentials were sent, and right.
    let isAuthenticated: Bool

    static let anonymous = UserContext(name: nil, isAdministrator: false, isAuthenticated: false)
    /// Everybody, where there is no administrator.
    static let party = UserContext(name: nil, isAdministrator: true, isAuthenticated: false)
}

/// Decides who a request comes from and whether it may go on.
struct Authenticator: Sendable {
    private let administrator: ServerConfiguration.Administrator?
    /// The header's value that almost every request of the administrator has.
    private let expected: [UInt8]

    init(administrator: ServerConfiguration.Administrator?) {
        self.administrator = administrator
        expected = administrator.map { Array("\($0.name):\($0.password)".utf8) } ?? []
    }

    /// The user whom an `Authorization` header names.
    func user(authorization: String?) throws(SettleError) -> UserContext {
        guard let administrator else { return .party }
        guard let authorization else { return .anonymous }
        let scheme = authorization.utf8.prefix { $0 != UInt8(ascii: " ") }
        guard Substring(scheme).lowercased() == "basic" else { return .anonymous }
        let text = authorization.utf8.dropFirst(6)
        guard let credentials = Base64.decode(text) else {
            throw SettleError(.badRequest, "Authorization header has invalid base64 value")
        }
        guard Self.areEqual(credentials, expected) else {
            throw SettleError(.unauthorized, "Name or password is incorrect.")
        }
        return UserContext(name: administrator.name, isAdministrator: true, isAuthenticated: true)
    }

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
