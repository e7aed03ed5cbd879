import SettleCore
import SettleStorage
import SettleTestSupport

@testable import Settle

/// A database in a directory of its own, with short ways to say what tests say often.
struct TestDatabase {
    let directory: TemporaryDirectory
    let database: Database

    /// `mayBeKept` is false where the test damages the database.
    init(options: StoreOptions = StoreOptions(syncsCommits: false), mayBeKept: Bool = true) throws {
        directory = TemporaryDirectory(mayBeKept: mayBeKept)
        database = try Database.open(at: "\(directory.path)/test.settle", creating: true, options: options)
    }

    func edit(
        _ id: DocumentID,
        _ json: String,
        parent: RevisionID? = nil
    ) throws -> DocumentEdit {
        let document = try IncomingDocument(parsing: Array(json.utf8))
        return try DocumentEdit(id: id, kind: .interactive(parent: parent), document: document)
    }

    @discardableResult
    func put(_ id: DocumentID, _ json: String, parent: RevisionID? = nil) throws -> EditOutcome {
        try write([edit(id, json, parent: parent)])[0]
    }

    /// A replicated revision whose ancestors are given newest first, itself included.
    @discardableResult
    func replicate(_ id: DocumentID, _ path: [String], _ json: String = "{}") throws -> EditOutcome {
        let document = try IncomingDocument(parsing: Array(json.utf8))
        let path = path.compactMap { RevisionID($0) }
        return try write([DocumentEdit(id: id, kind: .replicated(path: path), document: document)])[0]
    }

    func write(_ edits: [DocumentEdit]) throws -> [EditOutcome] {
        guard case .edits(let outcomes) = try database.performBlocking(.edits(edits)) else { return [] }
        return outcomes
    }

    /// A document's text as `GET` gives it; nil if there is none.
    func get(_ id: DocumentID, revision: String? = nil, _ options: DocumentOptions = []) throws -> String? {
        try database.read { snapshot in
            guard let record = try snapshot.document(id) else { return nil }
            var output: [UInt8] = []
            let wanted = revision.flatMap { RevisionID($0) }
            guard case .found = try snapshot.append(id, record, revision: wanted, options, to: &output) else {
                return nil
            }
            return String(decoding: output, as: UTF8.self)
        }
    }

    /// The generations that have a file, once they are these: those that were read go after their last reader.
    func generations(_ expected: [UInt64]) async throws -> [UInt64] {
        let directory = try Directory(database.directory)
        for _ in 0..<1000 where try OpenEnvironment.generations(in: directory) != expected {
            try await Task.sleep(for: .milliseconds(5))
        }
        return try OpenEnvironment.generations(in: directory)
    }

    func ids() throws -> [String] {
        try database.read { snapshot in
            var ids: [String] = []
            var cursor = try snapshot.documentCursor()
            while try cursor.next() {
                if !cursor.isDeleted { ids.append(cursor.id.text) }
            }
            return ids
        }
    }

    func changes(after sequence: UInt64 = 0) throws -> [String] {
        try database.read { snapshot in
            var rows: [String] = []
            var cursor = try snapshot.changesCursor()
            var found = try cursor.seek(after: sequence)
            while found {
                rows.append(
                    "\(cursor.sequence) \(cursor.id) \(cursor.revision)\(cursor.isDeleted ? " deleted" : "")"
                )
                found = try cursor.next()
            }
            return rows
        }
    }
}

extension EditOutcome {
    var revision: RevisionID? {
        if case .written(let revision) = self { revision } else { nil }
    }

    var error: SettleError? {
        if case .failed(let error) = self { error } else { nil }
    }
}
