// Documents that are wanted whole in memory: those that are shown to functions, indexed, edited or written to other
// databases. The content of attachments, if it is asked for at all, is put together with them.

package import SettleCore

extension Snapshot {
    /// Appends one revision of a document; see the form that leaves out large content.
    package func append(
        _ id: DocumentID,
        _ record: DocumentRecord,
        revision: RevisionID?,
        _ options: DocumentOptions = [],
        to output: inout [UInt8]
    ) throws -> DocumentOutcome {
        try output.whole { output in try append(id, record, revision: revision, options, to: &output) }
    }

    /// Appends the revision at a node of a tree; see the form that leaves out large content.
    package func append(
        _ id: DocumentID,
        _ tree: RevisionTree,
        node: Int,
        sequence: UInt64,
        _ options: DocumentOptions,
        attachmentsSince: [RevisionID]? = nil,
        held: Set<BlobKey> = [],
        to output: inout [UInt8]
    ) throws -> Bool {
        try output.whole { output in
            try append(
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
    }

    /// Appends a document's winner, tombstone or not; see the form that leaves out large content.
    func appendWinner(_ id: DocumentID, _ options: DocumentOptions, to output: inout [UInt8]) throws {
        try output.whole { output in try appendWinner(id, options, to: &output) }
    }
}

extension [UInt8] {
    /// Has bytes appended of which nothing is left out.
    fileprivate mutating func whole<Outcome>(
        _ append: (inout SegmentedBytes) throws -> Outcome
    ) throws -> Outcome {
        var segments = SegmentedBytes(room: .max)
        swap(&segments.bytes, &self)
        defer { swap(&segments.bytes, &self) }
        return try append(&segments)
    }
}
