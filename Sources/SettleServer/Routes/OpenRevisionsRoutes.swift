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
        let isMultipart = AcceptHeader(request.headers.first(name: "Accept")).accepts("multipart/mixed")
        var writer = MultipartWriter(boundary: IdentifierSource.boundary())
        var body = BodySegments()
        let exists = try database.read { snapshot in
            let record = try snapshot.document(id)
            if record == nil, wanted == .all { return false }
            let tree = try record.map { try snapshot.tree(of: $0) } ?? RevisionTree()
            let document = RevisionSource(id: id, tree: tree, sequence: record?.sequence ?? 0, query: query)
            var text: [UInt8] = isMultipart ? [] : [UInt8(ascii: "[")]
            var isFirst = true
            for revision in snapshot.openRevisions(tree, wanted, latest: query.wantsLatest) {
                if isMultipart {
                    try document.append(revision, snapshot, &writer, to: &body)
                } else {
                    if !isFirst { text.append(UInt8(ascii: ",")) }
                    try document.append(revision, snapshot, to: &text)
                }
                isFirst = false
            }
            if isMultipart {
                writer.finish(to: &text)
            } else {
                text.append(contentsOf: "]\n".utf8)
            }
            body.append(text)
            return true
        }
        guard exists else { throw SettleError(.notFound, "missing") }
        var head = ResponseHead()
        if isMultipart {
            head.contentType = .other(writer.contentType("mixed"))
            head.cacheControl = .none
        }
        return .segments(body, head)
    }
}

extension RevisionSource {
    /// Appends `{"ok":{…}}` or `{"missing":"…"}`.
    fileprivate func append(
        _ revision: OpenRevision,
        _ snapshot: borrowing Snapshot,
        to output: inout [UInt8]
    ) throws {
        var missing: RevisionID
        switch revision {
        case .missing(let revision): missing = revision
        case .node(let node):
            let start = output.count
            output.append(contentsOf: #"{"ok":"#.utf8)
            if try appendText(node, options, snapshot, to: &output) {
                output.append(UInt8(ascii: "}"))
                return
            }
            output.removeSubrange(start...)
            missing = tree.nodes[node].revision
        }
        output.append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
    }

    /// Appends a part with a revision, or one that says which revision is missing.
    fileprivate func append(
        _ revision: OpenRevision,
        _ snapshot: borrowing Snapshot,
        _ writer: inout MultipartWriter,
        to body: inout BodySegments
    ) throws {
        var missing: RevisionID
        switch revision {
        case .missing(let revision): missing = revision
        case .node(let node):
            if let found = try self.body(of: node, snapshot) {
                var frame: [UInt8] = []
                writer.beginPart(headers: [("Content-Type", found.contentType)], to: &frame)
                body.append(frame)
                body.append(found.segments)
                return
            }
            missing = tree.nodes[node].revision
        }
        var part: [UInt8] = []
        writer.beginPart(headers: [("Content-Type", "application/json; error=\"true\"")], to: &part)
        part.append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
        body.append(part)
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
