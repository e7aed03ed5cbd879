extension IncomingDocument {
    /// The digest of the revision that this document makes on top of `parent`, bit for bit CouchDB's.
    ///
    /// The attachments are those of the new revision, in the order of `_attachments`, with the MD5 of what is stored.
    package func digest(
        parent: RevisionID?,
        attachments: [RevisionDigest.Attachment] = []
    ) -> RevisionDigest {
        RevisionDigest(
            isDeleted: isDeleted,
            parent: parent,
            bodyTerm: bodyTerm.isEmpty ? Self.term(of: body) : bodyTerm,
            attachments: attachments
        )
    }

    /// The term of a canonical body, such as one read back from the store.
    package static func term(of body: [UInt8]) -> [UInt8] {
        var writer = CanonicalWriter(JSONScanner(body), makesTerm: true, capacity: body.count)
        // The text is canonical, so it is JSON.
        _ = try? writer.value(depth: 0)
        return writer.finish().term
    }
}
