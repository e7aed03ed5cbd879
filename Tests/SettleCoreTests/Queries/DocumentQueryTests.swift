import SettleCore
import Testing

@Suite("Parameters of one document")
struct DocumentQueryTests {
    private func query(_ text: String) throws -> DocumentQuery {
        try DocumentQuery(RequestTarget("/?\(text)").query)
    }

    @Test("only `true` is true, and meta stands for three")
    func flags() throws {
        let query = try query("revs=1&meta=true&local_seq=true&deleted=true&new_edits=false&batch=ok")
        #expect(!query.includesRevisions)
        #expect(query.includesRevisionsInfo && query.includesConflicts && query.includesDeletedConflicts)
        #expect(query.includesDeleted)
        #expect(query.includesSequence && query.isReplicated && query.isBatched)
    }

    @Test("open_revs is all, or a list")
    func openRevisions() throws {
        let one = try #require(RevisionID("1-a"))
        #expect(try query("open_revs=all").openRevisions == .all)
        #expect(try query("open_revs=[\"1-a\"]").openRevisions == .these([one]))
        #expect(try query("open_revs=[]").openRevisions == nil)
    }

    @Test("attachments are asked for in full, with their encodings, or since revisions")
    func attachments() throws {
        let one = try #require(RevisionID("1-a"))
        let asked = try query("attachments=true&att_encoding_info=true&atts_since=[\"1-a\"]")
        #expect(asked.includesAttachments && asked.includesEncodingInfo)
        #expect(asked.attachmentsSince == [one])
        let plain = try query("attachments=1&att_encoding_info=false")
        #expect(!plain.includesAttachments && !plain.includesEncodingInfo)
        #expect(plain.attachmentsSince == nil)
    }

    @Test(
        "malformed revisions are refused in CouchDB's words",
        arguments: [
            ("rev=1", "Invalid rev format"), ("rev=-1-abc", "Invalid rev format"),
            ("open_revs=5", "Invalid list of revisions"), ("open_revs=[5]", "Invalid rev format"),
            ("atts_since=x", "invalid UTF-8 JSON"),
        ]
    )
    func refusals(text: String, reason: String) {
        let error = #expect(throws: SettleError.self) { try query(text) }
        #expect(error?.reason == reason)
    }

    @Test("a write's revision may come from three places, which must agree")
    func parents() throws {
        let one = try #require(RevisionID("1-a"))
        let two = try #require(RevisionID("2-b"))
        #expect(try DocumentQuery.parent(inBody: nil, query: nil, ifMatch: nil) == nil)
        #expect(try DocumentQuery.parent(inBody: one, query: nil, ifMatch: nil) == one)
        #expect(try DocumentQuery.parent(inBody: nil, query: one, ifMatch: nil) == one)
        #expect(try DocumentQuery.parent(inBody: one, query: one, ifMatch: "\"1-a\"") == one)
        #expect(throws: SettleError.self) {
            try DocumentQuery.parent(inBody: one, query: two, ifMatch: nil)
        }
        let error = #expect(throws: SettleError.self) {
            try DocumentQuery.parent(inBody: one, query: nil, ifMatch: "2-b")
        }
        #expect(error?.reason == "Document rev and etag have different values")
    }
}
