// One document as a client sends it, taken apart in one pass over its bytes.
//
//     { "_id": "a", "_rev": "1-967a…", "n": 1.50 }
//
//     id        a
//     revision  1-967a…
//     body      {"n":1.5}             what is stored: canonical text, as CouchDB would print it
//     bodyTerm  {[{<<"n">>,1.5}]}     what is hashed: the same in Erlang's external term format
//
// At the top level, names that begin with an underscore are CouchDB's. Those that describe the document are cut out
// of the body and read; those that a server adds to its answers are cut out and ignored; those that CouchDB's own
// databases keep (`_replication_state`…) stay; any other is an error. Further inside an underscore means nothing.
//
// The subtle thing is which error wins. A text that isn't JSON loses first, wherever the fault is; then the first
// member that is wrong. So special members are only located while the text is read, and interpreted afterwards.

/// A document from outside, checked and split into what the store keeps and what the members with `_` say.
package struct IncomingDocument: Sendable {
    /// `_id`, if there is one.
    package var id: DocumentID?
    /// The revision that the document names: the newest of `_revisions`, which outranks `_rev`, or `_rev`.
    package var revision: RevisionID?
    /// `_revisions`, newest first, if there are any.
    package var ancestry: [RevisionID]?
    /// Whether this is a tombstone.
    package var isDeleted = false
    /// The document without special members, as canonical text; `{}` if there is nothing else.
    package var body: [UInt8]
    /// The same in Erlang's external term format; empty if it was not asked for.
    package var bodyTerm: [UInt8]
    /// `_attachments` if there are any; only entries that are objects.
    package var attachments: IncomingAttachments?

    /// Reads the document that a text, or a range of it, consists of.
    ///
    /// Without `makingTerm`, for documents that come with their revision, `digest(parent:)` makes the term when asked.
    package init(
        parsing text: [UInt8],
        in range: Range<Int>? = nil,
        makingTerm: Bool = true
    ) throws(SettleError) {
        var reader = JSONReader(text, in: range)
        let parts: Parts
        do {
            // Most of a large document may be attachments, which are cut out.
            let capacity = min(range?.count ?? text.count, 1 << 16)
            parts = try Self.split(&reader, makingTerm: makingTerm, capacity: capacity)
            try reader.finish()
        } catch {
            throw SettleError(error)
        }
        try self.init(parts)
    }

    /// Reads the documents of the array that comes next, as in the body of `_bulk_docs`; nil if it is something else.
    ///
    /// Throws the first document's error only after the whole array has been found to be JSON.
    package static func documents(
        reading reader: inout JSONReader,
        makingTerms: Bool = true
    ) throws(SettleError) -> [IncomingDocument]? {
        var documents: [IncomingDocument] = []
        var failure: SettleError?
        var capacity = 256
        do {
            guard try reader.enterArray() else { return nil }
            while try reader.nextElement() {
                let parts = try split(&reader, makingTerm: makingTerms, capacity: capacity)
                capacity = parts.body.count + 16
                guard failure == nil else { continue }
                do throws(SettleError) {
                    documents.append(try IncomingDocument(parts))
                } catch {
                    failure = error
                }
            }
        } catch {
            throw SettleError(error)
        }
        if let failure { throw failure }
        return documents
    }

    /// Puts other members in the place of the document's own; what the special members say stays.
    package mutating func replaceBody(with members: JSONObject) throws(SettleError) {
        let other = try IncomingDocument(
            parsing: JSONValue.object(members).bytes,
            makingTerm: !bodyTerm.isEmpty
        )
        (body, bodyTerm) = (other.body, other.bodyTerm)
    }

    private init(_ parts: Parts) throws(SettleError) {
        body = parts.body
        bodyTerm = parts.bodyTerm
        try interpret(parts)
    }
}
