// One revision in an answer that has room for content: JSON alone, or multipart/related with the content behind it.
//
//     application/json                    {"_id":"a","_rev":"1-x"}
//     multipart/related; boundary="b"     --b {…,"_attachments":{"f.txt":{…,"follows":true}}} --b hello --b--
//
// It is JSON where nothing follows: the revision has no attachments, or the client has them all (`atts_since`).

import Settle
import SettleCore

/// The revisions of one document, as a request wants them.
struct RevisionSource {
    let id: DocumentID
    let tree: RevisionTree
    let sequence: UInt64
    /// The extra members for JSON.
    let options: DocumentOptions
    /// Revisions whose attachments the client has.
    let attachmentsSince: [RevisionID]?
    /// Content that the client has, wherever it has it from.
    let held: Set<BlobKey>

    init(
        id: DocumentID,
        tree: RevisionTree,
        sequence: UInt64,
        query: DocumentQuery,
        options: DocumentOptions? = nil,
        attachmentsSince: [RevisionID]? = nil,
        held: Set<BlobKey> = []
    ) {
        self.held = held
        self.id = id
        self.tree = tree
        self.sequence = sequence
        self.options = options ?? query.revisionOptions
        self.attachmentsSince = attachmentsSince ?? query.attachmentsSince
    }

    /// Appends a revision as JSON; false, and nothing appended, if its body isn't there.
    func append(
        _ node: Int,
        _ options: DocumentOptions,
        _ snapshot: borrowing Snapshot,
        to output: inout SegmentedBytes
    ) throws -> Bool {
        try snapshot.append(
            id,
            tree,
            node: node,
            sequence: sequence,
            options,
            attachmentsSince: attachmentsSince,
            held: held,
            to: &output
        )
    }

    /// Appends a revision with the content of its attachments; false, and nothing appended, if its body isn't there.
    ///
    /// `begin` is called before anything is appended, with the media type that the revision has.
    func append(
        _ node: Int,
        _ snapshot: borrowing Snapshot,
        to output: inout SegmentedBytes,
        begin: (_ contentType: String, inout SegmentedBytes) -> Void
    ) throws -> Bool {
        var text: [UInt8] = []
        let isThere = try snapshot.append(
            id,
            tree,
            node: node,
            sequence: sequence,
            options.union([.follows, .encodingInfo]),
            attachmentsSince: attachmentsSince,
            held: held,
            to: &text
        )
        guard isThere else { return false }
        let following = try following(node, snapshot)
        guard !following.isEmpty else {
            begin("application/json", &output)
            output.bytes += text
            return true
        }
        var writer = MultipartWriter(boundary: IdentifierSource.boundary())
        begin(writer.contentType("related"), &output)
        writer.beginDocument(to: &output.bytes)
        output.bytes += text
        for attachment in following {
            writer.beginPart(attachment, to: &output.bytes)
            try output.append(attachment, inBase64: false, of: snapshot)
        }
        writer.finish(to: &output.bytes)
        return true
    }

    /// The attachments that the client doesn't have.
    private func following(_ node: Int, _ snapshot: borrowing Snapshot) throws -> [Attachment] {
        let attachments = try snapshot.attachments(of: tree.nodes[node]).filter { !held.contains($0.blob) }
        guard let attachmentsSince, !attachments.isEmpty else { return attachments }
        let path = tree.path(from: node).map { tree.nodes[$0].revision }
        let known = Attachment.knownGeneration(path: path, since: attachmentsSince)
        return attachments.filter { $0.revpos > known }
    }
}

extension ServerCore {
    /// Answers `GET /db/doc?attachments=true` with multipart/related; nil if the document has no attachments, or is
    /// not there at all.
    func getRelated(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID,
        _ query: DocumentQuery
    ) throws(SettleError) -> Answer? {
        let wanted = query.wantsLatest ? nil : query.revision
        var tag: [UInt8]?
        var head = ResponseHead()
        var body = SegmentedBytes()
        let isThere = try database.read { snapshot in
            guard let record = try snapshot.document(id),
                wanted != nil || !record.isDeleted || query.includesDeleted
            else { return false }
            let tree = try snapshot.tree(of: record)
            guard let node = wanted.map({ tree.index(of: $0) }) ?? tree.winner,
                try !snapshot.attachments(of: tree.nodes[node]).isEmpty
            else { return false }
            if wanted != nil || !query.showsState(of: record) {
                var text: [UInt8] = []
                tree.nodes[node].revision.append(to: &text)
                tag = text
            }
            let source = RevisionSource(
                id: id,
                tree: tree,
                sequence: record.sequence,
                query: query,
                options: wanted == nil ? query.options : query.revisionOptions
            )
            return try source.append(node, snapshot, to: &body) { contentType, _ in
                head.contentType = .other(contentType)
            }
        }
        guard isThere else { return nil }
        if let tag, request.hasCurrent(tag) { return .now(.notModified(tag)) }
        head.cacheControl = .none
        head.entityTag = tag
        return .segments(body, head)
    }
}
