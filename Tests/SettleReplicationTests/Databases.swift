import Settle
import SettleCore
import SettleTestSupport

@testable import SettleReplication

/// A folder of databases that is gone when the test is.
final class Databases: Sendable {
    private let directory: TemporaryDirectory
    let folder: DatabaseFolder

    init() throws {
        directory = TemporaryDirectory()
        folder = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
    }

    /// A new database.
    func create(_ name: String) throws -> Database { try folder.create(name) }

    /// Replicates once, from one database of the folder to another or as the options say.
    func replicate(
        _ source: String,
        _ target: String,
        wrapping: (any Peer) -> any Peer = { $0 },
        configure: (inout ReplicationOptions) -> Void = { _ in }
    ) async throws -> ReplicationResult {
        var options = ReplicationOptions(source: .local(name: source), target: .local(name: target))
        options.retries = 1
        configure(&options)
        let replication = Replication(
            options,
            source: wrapping(LocalPeer(folder, name: source)),
            target: wrapping(LocalPeer(folder, name: target)),
            serverUUID: folder.uuid
        )
        return try await replication.run()
    }
}

extension Database {
    /// Writes a document and gives its new revision.
    @discardableResult
    func put(_ id: String, _ members: JSONObject, parent: RevisionID? = nil) async throws -> RevisionID {
        let document = try IncomingDocument(parsing: JSONValue.object(members).bytes)
        let edit = try DocumentEdit(
            id: DocumentID(id),
            kind: .interactive(parent: parent),
            document: document
        )
        guard case .edits(let outcomes) = try await perform(.edits([edit])), let outcome = outcomes.first
        else {
            throw SettleError(.internalError)
        }
        switch outcome {
        case .written(let revision): return revision
        case .failed(let error): throw error
        }
    }

    /// Every document's leaves with their texts and ancestors, winners first: what converging means.
    func contents() throws -> [String: [String]] {
        try read { snapshot in
            var contents: [String: [String]] = [:]
            var cursor = try snapshot.documentCursor()
            var found = try cursor.first()
            while found {
                let id = cursor.id
                if let record = try snapshot.document(id) {
                    let tree = try snapshot.tree(of: record)
                    contents[id.text] = try tree.leaves.map { leaf in
                        var text: [UInt8] = []
                        _ = try snapshot.append(
                            id,
                            tree,
                            node: leaf,
                            sequence: 0,
                            [.revisions, .conflicts, .deletedConflicts],
                            to: &text
                        )
                        return String(decoding: text, as: UTF8.self)
                    }
                }
                found = try cursor.next()
            }
            return contents
        }
    }
}
