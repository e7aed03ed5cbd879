// Who may do what with a database: its `_security` object.
//
//     {"admins": {"names": ["ann"], "roles": []}, "members": {"names": [], "roles": ["staff"]}}

/// Rules for the security object of a database.
package enum SecurityObject {
    /// What holds until somebody says otherwise: administrators only.
    package static let usual = #"{"members":{"roles":["_admin"]},"admins":{"roles":["_admin"]}}"#

    /// Refuses lists of names or roles that are none.
    package static func validate(_ object: JSONObject) throws(SettleError) {
        for group in ["admins", "members", "readers"] {
            guard let entry = object[group] else { continue }
            guard let entry = entry.object else {
                throw SettleError(.badRequest, "\(group) must be a JSON object")
            }
            for list in ["names", "roles"] {
                guard let value = entry[list] else { continue }
                guard let elements = value.array, elements.allSatisfy({ $0.string != nil }) else {
                    throw SettleError(.badRequest, "\(list) must be a JSON list of strings")
                }
            }
        }
    }
}
