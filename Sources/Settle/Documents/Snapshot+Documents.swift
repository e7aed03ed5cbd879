// Reading documents: stored text, with the special members spliced in. Nothing is parsed, nothing printed anew.

package import SettleCore
import SettleStorage

extension Snapshot {
    /// A document's row; nil if it was never heard of.
    package func document(_ id: DocumentID) throws -> DocumentRecord? {
        try transaction.record(id, tables)
    }

    /// A document's whole revision tree, history included.
    package func tree(of record: DocumentRecord) throws -> RevisionTree {
        try transaction.tree(of: record, tables)
    }

    /// A local document's revision counter and JSON text; nil if there is none.
    package func localDocument(_ id: DocumentID) throws -> (revision: UInt64, body: [UInt8])? {
        let key = LocalRow.key(id)
        guard !key.isEmpty, let value = try transaction.value(tables.local, key) else { return nil }
        let row = try LocalRow(decoding: value)
        return (row.revision, row.body)
    }

    /// Whether a revision's body is still there.
    package func isAvailable(_ node: RevisionNode) throws -> Bool {
        switch node.body {
        case BodyNumber.missing: false
        case BodyNumber.empty: true
        default: try transaction.value(tables.bodies, node.body) != nil
        }
    }

    /// Appends a document's winner as JSON; the path of a plain `GET`, which builds no tree.
    package func appendWinner(_ id: DocumentID, to output: inout [UInt8]) throws -> DocumentOutcome {
        guard !id.bytes.isEmpty, let value = try transaction.value(tables.documents, id.bytes) else {
            return .missing
        }
        let summary = try DocumentSummary(decoding: value)
        guard !summary.isDeleted else { return .deleted }
        guard
            let attachments = try append(id, summary.winner, summary.body, isDeleted: false, to: &output)
        else { return .missing }
        AttachmentsMember.appendStubs(attachments, to: &output)
        output.append(UInt8(ascii: "}"))
        return .found(summary.winner, isDeleted: false)
    }

    /// Appends a document's winner, tombstone or not, with the extra members asked for.
    func appendWinner(
        _ id: DocumentID,
        _ options: DocumentOptions,
        to output: inout SegmentedBytes
    ) throws {
        guard let record = try document(id) else { return }
        let tree = try tree(of: record)
        guard let winner = tree.winner else { return }
        _ = try append(id, tree, node: winner, sequence: record.sequence, options, to: &output)
    }

    /// Appends one revision of a document as JSON, with the extra members asked for.
    ///
    /// No revision means the winner. `attachmentsSince` names revisions whose attachments the reader has: of those,
    /// and of attachments that are no newer, there are only stubs.
    package func append(
        _ id: DocumentID,
        _ record: DocumentRecord,
        revision: RevisionID?,
        _ options: DocumentOptions = [],
        attachmentsSince: [RevisionID]? = nil,
        to output: inout SegmentedBytes
    ) throws -> DocumentOutcome {
        if revision == nil, record.isDeleted { return .deleted }
        let needsHistory =
            !options.isDisjoint(with: [.revisions, .revisionsInfo]) || attachmentsSince != nil
            || revision.map { record.head.index(of: $0) == nil } ?? false
        let tree = needsHistory ? try tree(of: record) : record.head
        guard let index = revision.map({ tree.index(of: $0) }) ?? tree.winner else { return .missing }
        guard
            try append(
                id,
                tree,
                node: index,
                sequence: record.sequence,
                options,
                attachmentsSince: attachmentsSince,
                to: &output
            )
        else { return .missing }
        return .found(tree.nodes[index].revision, isDeleted: tree.nodes[index].isDeleted)
    }

    /// Appends the revision at a node of a tree; false, and nothing appended, if its body isn't there.
    ///
    /// For content in `held`, which the reader has, there are stubs that name it by SHA-256.
    package func append(
        _ id: DocumentID,
        _ tree: RevisionTree,
        node index: Int,
        sequence: UInt64,
        _ options: DocumentOptions,
        attachmentsSince: [RevisionID]? = nil,
        held: Set<BlobKey> = [],
        to output: inout SegmentedBytes
    ) throws -> Bool {
        let node = tree.nodes[index]
        let found = try append(id, node.revision, node.body, isDeleted: node.isDeleted, to: &output.bytes)
        guard let attachments = found else { return false }
        if options.contains(.revisions) {
            appendRevisions(tree, index, to: &output.bytes)
        } else if options.contains(.recentRevisions) {
            appendRevisions(tree, index, limit: 20, to: &output.bytes)
        }
        if options.contains(.revisionsInfo) { try appendRevisionsInfo(tree, index, to: &output.bytes) }
        if options.contains(.localSequence) {
            output.bytes.append(
                contentsOf: ",\"_local_seq\":\(node.sequence > 0 ? node.sequence : sequence)".utf8
            )
        }
        if options.contains(.conflicts) {
            appendList(",\"_conflicts\":[", tree, tree.conflicts, to: &output.bytes)
        }
        if options.contains(.deletedConflicts) {
            appendList(",\"_deleted_conflicts\":[", tree, tree.deletedConflicts, to: &output.bytes)
        }
        if !attachments.isEmpty {
            let known = attachmentsSince.map { since in
                Attachment.knownGeneration(
                    path: tree.path(from: index).map { tree.nodes[$0].revision },
                    since: since
                )
            }
            try appendAttachments(attachments, options, knownGeneration: known, held: held, to: &output)
        }
        output.bytes.append(UInt8(ascii: "}"))
        return true
    }

    /// Appends `{"_id":…,"_rev":…` and the body's members, without the closing brace.
    ///
    /// Returns the revision's attachments; nil, and nothing appended, if the body isn't there.
    func append(
        _ id: DocumentID,
        _ revision: RevisionID,
        _ body: UInt64,
        isDeleted: Bool,
        to output: inout [UInt8]
    ) throws -> [Attachment]? {
        let start = output.count
        output.append(contentsOf: documentStart)
        JSONText.appendString(id.bytes, to: &output)
        return try appendRest(revision, body, isDeleted: isDeleted, from: start, to: &output)
    }

    /// Appends what follows the id.
    func appendRest(
        _ revision: RevisionID,
        _ body: UInt64,
        isDeleted: Bool,
        from start: Int,
        to output: inout [UInt8]
    ) throws -> [Attachment]? {
        var attachments: [Attachment] = []
        output.append(contentsOf: revisionStart)
        revision.append(to: &output)
        output.append(UInt8(ascii: "\""))
        if body >= BodyNumber.first {
            guard let value = try transaction.value(tables.bodies, body) else {
                output.removeSubrange(start...)
                return nil
            }
            attachments = try output.appendMembers(ofBody: value)
        } else if body == BodyNumber.missing {
            output.removeSubrange(start...)
            return nil
        }
        if isDeleted { output.append(contentsOf: deletedMember) }
        return attachments
    }

    /// Appends `_attachments` as the options want them.
    private func appendAttachments(
        _ attachments: [Attachment],
        _ options: DocumentOptions,
        knownGeneration: UInt64?,
        held: Set<BlobKey>,
        to output: inout SegmentedBytes
    ) throws {
        let content: AttachmentsMember.Form =
            options.contains(.follows) ? .follows : options.contains(.attachments) ? .data : .stub
        AttachmentsMember.open(to: &output.bytes)
        for (index, attachment) in attachments.enumerated() {
            let isKnown = knownGeneration.map { attachment.revpos <= $0 } ?? false
            let isHeld = held.contains(attachment.blob)
            let form = isKnown || isHeld ? .stub : content
            AttachmentsMember.openEntry(attachment, form: form, isFirst: index == 0, to: &output.bytes)
            if form == .data { try output.append(attachment, inBase64: true, of: self) }
            AttachmentsMember.closeEntry(
                attachment,
                form: form,
                encodingInfo: options.contains(.encodingInfo),
                contentKey: isHeld || options.contains(.contentKeys),
                to: &output.bytes
            )
        }
        AttachmentsMember.close(to: &output.bytes)
    }

    private func appendRevisions(
        _ tree: RevisionTree,
        _ index: Int,
        limit: Int = .max,
        to output: inout [UInt8]
    ) {
        output.append(
            contentsOf: ",\"_revisions\":{\"start\":\(tree.nodes[index].revision.generation),\"ids\":[".utf8
        )
        for (position, ancestor) in tree.path(from: index).prefix(limit).enumerated() {
            output.append(contentsOf: position == 0 ? quote : commaQuote)
            tree.nodes[ancestor].revision.digest.append(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(contentsOf: "]}".utf8)
    }

    private func appendRevisionsInfo(_ tree: RevisionTree, _ index: Int, to output: inout [UInt8]) throws {
        output.append(contentsOf: ",\"_revs_info\":[".utf8)
        for (position, ancestor) in tree.path(from: index).enumerated() {
            let node = tree.nodes[ancestor]
            output.append(contentsOf: position == 0 ? "{\"rev\":\"".utf8 : ",{\"rev\":\"".utf8)
            node.revision.append(to: &output)
            let status = try !isAvailable(node) ? "missing" : node.isDeleted ? "deleted" : "available"
            output.append(contentsOf: "\",\"status\":\"\(status)\"}".utf8)
        }
        output.append(UInt8(ascii: "]"))
    }

    private func appendList(_ start: String, _ tree: RevisionTree, _ nodes: [Int], to output: inout [UInt8]) {
        guard !nodes.isEmpty else { return }
        output.append(contentsOf: start.utf8)
        for (position, node) in nodes.enumerated() {
            output.append(contentsOf: position == 0 ? quote : commaQuote)
            tree.nodes[node].revision.append(to: &output)
            output.append(UInt8(ascii: "\""))
        }
        output.append(UInt8(ascii: "]"))
    }
}

extension [UInt8] {
    /// Appends a comma and the members of a stored body's text, if it has any, and returns its attachments.
    @inline(__always)
    mutating func appendMembers(ofBody row: borrowing Span<UInt8>) throws(StorageError) -> [Attachment] {
        // The codec byte and the braces stay behind.
        if row.count > 3, row[0] == BodyCodec.plain {
            append(UInt8(ascii: ","))
            append(row.extracting(2..<row.count - 1))
            return []
        }
        guard let body = try AttachedBody(decoding: row) else { throw .corrupted }
        if body.text.count > 2 {
            append(UInt8(ascii: ","))
            append(row.extracting(body.text.lowerBound + 1..<body.text.upperBound - 1))
        }
        return body.attachments
    }
}

let documentStart = Array("{\"_id\":".utf8)
let revisionStart = Array(",\"_rev\":\"".utf8)
let deletedMember = Array(",\"_deleted\":true".utf8)
private let quote = Array("\"".utf8)
private let commaQuote = Array(",\"".utf8)
