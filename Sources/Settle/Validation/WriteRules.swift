// What decides whether a document may be written: the validators of a database, and its security object.
//
// Validators are the `validate_doc_update` functions of all design documents, in the order of their ids. Both change
// rarely, so they are read once and kept under a version: a number in the database's state that counts changes of
// design documents and of the security object. A write compares two numbers, in memory, and in its transaction once
// more. That is all that a database without validators pays.
//
// The subtle thing: another process may change the rules at any time. What is kept may be old when a write comes; the
// transaction then finds another number and sends the write back to be looked at again.

import SettleCore
import Synchronization

/// Names one state of the rules.
struct RulesVersion: Hashable, Sendable {
    /// The life of the database: one that was made in the place of another counts from the start again.
    let incarnation: UInt32
    let number: UInt64
}

extension RulesVersion {
    /// The state of the rules in a snapshot.
    init(_ snapshot: borrowing Snapshot) throws {
        self.init(
            incarnation: snapshot.open.identity.incarnation,
            number: try snapshot.state.rulesVersion
        )
    }
}

/// What documents must comply with.
struct WriteRules: Sendable {
    /// One `validate_doc_update` function.
    struct Validator: Sendable {
        let program: FunctionProgram
        let language: String
    }

    let version: RulesVersion
    let validators: [Validator]
    /// The JSON text of the security object.
    let security: [UInt8]
}

extension WriteRules {
    /// Reads the rules as they are in a snapshot.
    init(_ snapshot: borrowing Snapshot) throws {
        version = try RulesVersion(snapshot)
        security = try snapshot.security
        var validators: [Validator] = []
        var rows = try snapshot.documentCursor()
        var found = try rows.seek(atLeast: DocumentID("_design/"))
        while found, rows.id.isDesign {
            if !rows.isDeleted {
                var text: [UInt8] = []
                try rows.appendDocument(in: snapshot, to: &text)
                if let language = Self.validatorLanguage(text) {
                    let program = FunctionProgram(designDocument: text, scope: snapshot.database.name)
                    validators.append(Validator(program: program, language: language))
                }
            }
            found = try rows.next()
        }
        self.validators = validators
    }

    /// The language of a design document's validator; nil if it has none.
    private static func validatorLanguage(_ text: [UInt8]) -> String? {
        var hasValidator = false
        var language = "javascript"
        do throws(JSONError) {
            var reader = JSONReader(text)
            guard try reader.enterObject() else { return nil }
            while try reader.nextMember() {
                if reader.nameIs("validate_doc_update") { hasValidator = true }
                if reader.nameIs("language"), let bytes = try reader.stringBytes() {
                    language = String(decoding: bytes, as: UTF8.self)
                }
            }
        } catch {
            return nil
        }
        return hasValidator ? language : nil
    }
}

/// The rules of one database, as they were last read.
final class WriteRulesCache: Sendable {
    private let known = Mutex<WriteRules?>(nil)

    /// The rules; read if they are not known.
    func rules(of database: Database) throws(SettleError) -> WriteRules {
        if let rules = known.withLock({ $0 }) { return rules }
        return try reload(from: database)
    }

    /// The rules as they are now, for whoever may refuse a write by them.
    func current(of database: Database) throws(SettleError) -> WriteRules {
        let known = try rules(of: database)
        let now = try database.read { snapshot in try RulesVersion(snapshot) }
        return now == known.version ? known : try reload(from: database)
    }

    /// Reads the rules afresh.
    @discardableResult
    func reload(from database: Database) throws(SettleError) -> WriteRules {
        let rules = try database.read { snapshot in try WriteRules(snapshot) }
        known.withLock { $0 = rules }
        return rules
    }
}
