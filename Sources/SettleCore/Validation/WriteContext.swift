// Who writes, as validators see it: their `userCtx`.
//
//     {"db": "notes", "name": "ann", "roles": ["staff"]}

/// The user on whose behalf documents are written.
package struct WriteContext: Sendable, Hashable {
    /// The name; nil for somebody who gave none.
    package var name: String?
    /// The roles; `_admin` makes an administrator of the server.
    package var roles: [String]

    package init(name: String?, roles: [String]) {
        self.name = name
        self.roles = roles
    }

    /// Who writes through the embedded interface, the command line and replications of the server's own.
    package static let administrator = WriteContext(name: nil, roles: ["_admin"])

    /// The JSON text of `userCtx` in a database.
    package func userContext(database: String) -> [UInt8] {
        let object: JSONObject = [
            "db": .string(database),
            "name": name.map { .string($0) } ?? .null,
            "roles": .array(roles.map { .string($0) }),
        ]
        return JSONValue.object(object).bytes
    }

    /// Whether this user may write design documents of a database with this security object: its administrators may,
    /// and the server's.
    package func mayWriteDesignDocuments(security: JSONValue?) -> Bool {
        let admins = security?["admins"]
        let names = admins?["names"]?.array ?? []
        let others = admins?["roles"]?.array ?? []
        if roles.contains(where: { $0.hasSameBytes(as: "_admin") }) { return true }
        if let name, names.contains(.string(name)) { return true }
        return roles.contains { others.contains(.string($0)) }
    }
}
