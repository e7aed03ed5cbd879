// `GET /db/doc?open_revs=…`: several revisions of one document, as a JSON list or as multipart/mixed.

import NIOHTTP1
import Settle
import SettleCore

/// One revision that was asked for.
enum OpenRevision {
    /// It is at this node of the tree.
    case node(Int)
    /// It is unknown, or its body isn't kept any more.
    case missing(RevisionID)
}

extension ServerCore {
    /// Answers `GET /db/doc?open_revs=`.
    func getOpenRevisions(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID,
        _ wanted: DocumentQuery.OpenRevisions,
        _ query: DocumentQuery
    ) throws(SettleError) -> Answer {
        let isMultipart = AcceptHeader(request.headers.first(name: "Accept")).names("multipart/mixed")
        var writer = MultipartWriter(boundary: IdentifierSource.boundary())
        var body: [UInt8] = []
        let options = query.options.intersection(.revisions)
        let exists = try database.read { snapshot in
            let record = try snapshot.document(id)
            if record == nil, wanted == .all { return false }
            let tree = try record.map { try snapshot.tree(of: $0) } ?? RevisionTree()
            if !isMultipart { body.append(UInt8(ascii: "[")) }
            var isFirst = true
            for revision in snapshot.openRevisions(tree, wanted, latest: query.wantsLatest) {
                var text: [UInt8] = []
                var missing: RevisionID?
                switch revision {
                case .missing(let revision): missing = revision
                case .node(let node):
                    let sequence = record?.sequence ?? 0
                    let found = try snapshot.append(
                        id,
                        tree,
                        node: node,
                        sequence: sequence,
                        options,
                        to: &text
                    )
                    if !found { missing = tree.nodes[node].revision }
                }
                if isMultipart {
                    writer.append(text, missing: missing, to: &body)
                } else {
                    if !isFirst { body.append(UInt8(ascii: ",")) }
                    body.appendOpenRevision(text, missing: missing)
                }
                isFirst = false
            }
            return true
        }
        guard exists else { throw SettleError(.notFound, "missing") }
        if isMultipart {
            writer.finish(to: &body)
        } else {
            body.append(contentsOf: "]\n".utf8)
        }
        var response = Response(body: body)
        if isMultipart {
            response.head.contentType = .other("multipart/mixed; boundary=\"\(writer.boundary)\"")
            response.head.cacheControl = .none
        }
        return .now(response)
    }
}

extension Snapshot {
    /// The revisions that are meant, those that exist first, each group in ascending order.
    borrowing func openRevisions(
        _ tree: RevisionTree,
        _ wanted: DocumentQuery.OpenRevisions,
        latest: Bool
    ) -> [OpenRevision] {
        guard case .these(let revisions) = wanted else { return tree.leavesAscending.map { .node($0) } }
        var nodes: Set<Int> = []
        var missing: Set<RevisionID> = []
        for revision in revisions {
            if let node = tree.index(of: revision) {
                nodes.formUnion(latest ? tree.leafDescendants(of: revision) : [node])
            } else {
                missing.insert(revision)
            }
        }
        // A tree keeps its nodes by generation, then digest.
        return nodes.sorted().map { .node($0) } + missing.sorted().map { .missing($0) }
    }
}

extension [UInt8] {
    /// Appends `{"ok":{…}}` or `{"missing":"…"}`.
    fileprivate mutating func appendOpenRevision(_ text: [UInt8], missing: RevisionID?) {
        if let missing {
            append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
        } else {
            append(contentsOf: #"{"ok":"#.utf8)
            append(contentsOf: text)
            append(UInt8(ascii: "}"))
        }
    }
}

extension MultipartWriter {
    /// Appends a part with a document, or one that says which revision is missing.
    fileprivate mutating func append(_ text: [UInt8], missing: RevisionID?, to output: inout [UInt8]) {
        if let missing {
            beginPart(headers: [("Content-Type", "application/json; error=\"true\"")], to: &output)
            output.append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
        } else {
            beginPart(headers: [("Content-Type", "application/json")], to: &output)
            output.append(contentsOf: text)
        }
    }
}
