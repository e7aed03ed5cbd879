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
        var body = SegmentedBytes()
        let exists = try database.read { snapshot in
            let record = try snapshot.document(id)
            if record == nil, wanted == .all { return false }
            let tree = try record.map { try snapshot.tree(of: $0) } ?? RevisionTree()
            let document = RevisionSource(id: id, tree: tree, sequence: record?.sequence ?? 0, query: query)
            let revisions = snapshot.openRevisions(tree, wanted, latest: query.wantsLatest)
            if isMultipart {
                for revision in revisions { try document.append(revision, snapshot, &writer, to: &body) }
                writer.finish(to: &body.bytes)
                return true
            }
            body.bytes.append(UInt8(ascii: "["))
            for (place, revision) in revisions.enumerated() {
                if place > 0 { body.bytes.append(UInt8(ascii: ",")) }
                try document.append(revision, snapshot, to: &body)
            }
            body.bytes.append(contentsOf: "]\n".utf8)
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
        to output: inout SegmentedBytes
    ) throws {
        var missing: RevisionID
        switch revision {
        case .missing(let revision): missing = revision
        case .node(let node):
            let start = output.bytes.count
            output.bytes.append(contentsOf: #"{"ok":"#.utf8)
            if try append(node, options, snapshot, to: &output) {
                output.bytes.append(UInt8(ascii: "}"))
                return
            }
            output.bytes.removeSubrange(start...)
            missing = tree.nodes[node].revision
        }
        output.bytes.append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
    }

    /// Appends a part with a revision, or one that says which revision is missing.
    fileprivate func append(
        _ revision: OpenRevision,
        _ snapshot: borrowing Snapshot,
        _ writer: inout MultipartWriter,
        to output: inout SegmentedBytes
    ) throws {
        var missing: RevisionID
        switch revision {
        case .missing(let revision): missing = revision
        case .node(let node):
            let isThere = try append(node, snapshot, to: &output) { contentType, output in
                writer.beginPart(headers: [("Content-Type", contentType)], to: &output.bytes)
            }
            if isThere { return }
            missing = tree.nodes[node].revision
        }
        writer.beginPart(headers: [("Content-Type", "application/json; error=\"true\"")], to: &output.bytes)
        output.bytes.append(contentsOf: #"{"missing":"\#(missing.text)"}"#.utf8)
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
