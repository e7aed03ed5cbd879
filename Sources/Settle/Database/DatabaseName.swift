// A database's name, and the name of its directory.
//
// CouchDB allows `a-z 0-9 _ $ ( ) + - /`, beginning with a letter; a few system databases begin with an underscore.
// A slash can't stand in a file name, and a dot can't stand in a database name, so one becomes the other:
//
//     team/notes   <->   team.notes.settle

package import SettleCore

/// The rules for names of databases.
package enum DatabaseName {
    /// What a database's directory ends in.
    package static let suffix = ".settle"
    /// CouchDB refuses longer ones too; with the suffix it must stay a legal file name.
    static let maximumLength = 238
    static let systemNames: Set<String> = ["_users", "_replicator", "_global_changes", "_metadata"]

    /// Throws CouchDB's error for a name that breaks the rule.
    package static func validate(_ name: String) throws(SettleError) {
        let bytes = Array(name.utf8)
        let base = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? []
        let isSystem = systemNames.contains(String(decoding: base, as: UTF8.self))
        guard
            isLegal(bytes)
                || isSystem && (base.count == bytes.count || isLegal(Array(bytes.dropLast(base.count))))
        else {
            throw SettleError(
                .illegalDatabaseName,
                "Name: '\(name)'. Only lowercase characters (a-z), digits (0-9), and any of the characters "
                    + "_, $, (, ), +, -, and / are allowed. Must begin with a letter."
            )
        }
        guard bytes.count <= maximumLength else {
            throw SettleError(
                .databaseNameTooLong,
                "At least one path segment of `\(name)` is too long."
            )
        }
    }

    private static func isLegal(_ bytes: [UInt8]) -> Bool {
        guard let first = bytes.first, (97...122).contains(first) else { return false }
        return bytes.allSatisfy { byte in
            (97...122).contains(byte) || (48...57).contains(byte) || "_$()+-/".utf8.contains(byte)
        }
    }

    /// The directory of a legal name.
    package static func directory(of name: String) -> String {
        String(decoding: name.utf8.map { $0 == UInt8(ascii: "/") ? UInt8(ascii: ".") : $0 }, as: UTF8.self)
            + suffix
    }

    /// The name whose directory this is; nil if no database is kept so.
    package static func name(ofDirectory directory: String) -> String? {
        let bytes = Array(directory.utf8)
        guard bytes.count > suffix.utf8.count, bytes.suffix(suffix.utf8.count).elementsEqual(suffix.utf8)
        else {
            return nil
        }
        let stem = bytes.dropLast(suffix.utf8.count).map { $0 == UInt8(ascii: ".") ? UInt8(ascii: "/") : $0 }
        let name = String(decoding: stem, as: UTF8.self)
        guard (try? validate(name)) != nil else { return nil }
        return name
    }
}
