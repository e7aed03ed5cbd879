import SettleCore
import Testing

private func document(_ text: String) throws(SettleError) -> IncomingDocument {
    try IncomingDocument(parsing: Array(text.utf8))
}

private func body(_ text: String) throws(SettleError) -> String {
    String(decoding: try document(text).body, as: UTF8.self)
}

/// Documents that CouchDB refuses, with its words.
private let refused: [(String, SettleError)] = [
    ("[]", SettleError(.badRequest, "Document must be a JSON object")),
    ("\"text\"", SettleError(.badRequest, "Document must be a JSON object")),
    ("null", SettleError(.badRequest, "Document must be a JSON object")),
    ("[", SettleError(.badRequest, "invalid UTF-8 JSON")),
    (#"{"_foo":1}"#, SettleError(.documentValidation, "Bad special document member: _foo")),
    (#"{"a":1,"_":1}"#, SettleError(.documentValidation, "Bad special document member: _")),
    (#"{"\u005ffoo":1}"#, SettleError(.documentValidation, "Bad special document member: _foo")),
    (#"{"_deleted":"yes"}"#, SettleError(.documentValidation, "Bad special document member: _deleted")),
    (
        #"{"_attachments":"no"}"#,
        SettleError(.documentValidation, "Bad special document member: _attachments")
    ),
    (#"{"_attachments":[]}"#, SettleError(.documentValidation, "Bad special document member: _attachments")),
    (#"{"_revisions":[]}"#, SettleError(.documentValidation, "Bad special document member: _revisions")),
    (#"{"_revisions":{}}"#, SettleError(.documentValidation, "_revisions.start isn't an integer.")),
    (
        #"{"_revisions":{"start":1.0,"ids":[]}}"#,
        SettleError(.documentValidation, "_revisions.start isn't an integer.")
    ),
    (#"{"_revisions":{"start":1}}"#, SettleError(.documentValidation, "_revisions.ids isn't a array.")),
    (
        #"{"_revisions":{"start":1,"ids":{}}}"#,
        SettleError(.documentValidation, "_revisions.ids isn't a array.")
    ),
    (#"{"_revisions":{"start":1,"ids":[1]}}"#, SettleError(.documentValidation, "RevId isn't a string")),
    (
        #"{"_revisions":{"start":1,"ids":["zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"]}}"#,
        SettleError(.documentValidation, "RevId isn't a valid hexadecimal")
    ),
    (
        #"{"_revisions":{"start":1,"ids":["a","b","c"]}}"#,
        SettleError(.documentValidation, "_revisions.start is less than the number of ids.")
    ),
    (#"{"_id":5}"#, SettleError(.illegalDocumentID, "Document id must be a string")),
    (#"{"_id":""}"#, SettleError(.illegalDocumentID, "Document id must not be empty")),
    (
        #"{"_id":"_bad"}"#,
        SettleError(.illegalDocumentID, "Only reserved document ids may start with underscore.")
    ),
    (
        #"{"_id":"_design"}"#,
        SettleError(.illegalDocumentID, "Only reserved document ids may start with underscore.")
    ),
    (#"{"_id":"_design/"}"#, SettleError(.illegalDocumentID, "Illegal document id `_design/`")),
    (#"{"_id":"_local/"}"#, SettleError(.illegalDocumentID, "Illegal document id `_local/`")),
    (#"{"_rev":"bad"}"#, SettleError(.badRequest, "Invalid rev format")),
    (#"{"_rev":5}"#, SettleError(.badRequest, "Invalid rev format")),
    (#"{"_rev":"1"}"#, SettleError(.badRequest, "Invalid rev format")),
    (#"{"_rev":"x-1"}"#, SettleError(.badRequest, "Invalid rev format")),
    (#"{"_rev":"-1"}"#, SettleError(.badRequest, "Invalid rev format")),
]

@Suite("Incoming documents")
struct IncomingDocumentTests {
    @Test("special members are cut out of the body and read")
    func split() throws {
        let result = try document(
            #"{"_id":"a\u00e9", "x":1, "_rev":"2-ab","_deleted":true,"y":[2], "z" : "3" ,"_conflicts":["1-a"]}"#
        )
        #expect(result.id == "aé")
        #expect(result.revision?.text == "2-ab")
        #expect(result.isDeleted)
        #expect(result.ancestry == nil)
        #expect(result.attachments == nil)
        #expect(String(decoding: result.body, as: UTF8.self) == #"{"x":1,"y":[2],"z":"3"}"#)
    }

    @Test("wherever the special members stand, the body is the same")
    func positions() throws {
        for text in [
            #"{"a":1,"b":2,"c":3}"#, #"{"_id":"x","a":1,"b":2,"c":3}"#, #"{"a":1,"_id":"x","b":2,"c":3}"#,
            #"{"a":1,"b":2,"c":3,"_id":"x"}"#,
            #"{"_id":"x","_rev":"1-a","a":1,"_local_seq":1,"_deleted":false,"b":2,"c":3}"#,
            #"{ "_id" : "x" , "a" : 1 , "b" : 2 , "_rev" : "1-a" , "c" : 3 }"#,
            #"{"a":1 ,"_id":"x" ,"b":2 ,"_rev":"1-a","_revs_info":[{}] ,"c":3 }"#,
            #"{"\u005fid":"x","\u0061":1,"b":2,"_rev":"1-a","\u0063":3}"#,
            #"{"a":1,"b":1,"_id":"y","c":1,"_id":"x","b":2,"c":3}"#,
        ] {
            #expect(try body(text) == #"{"a":1,"b":2,"c":3}"#)
        }
        for text in [
            "{}", " { } ", #"{"_id":"x"}"#, #"{ "_id":"x" , "_rev":"1-a" }"#, #"{"_attachments":{}}"#,
        ] {
            #expect(try body(text) == "{}")
        }
    }

    @Test("underscores inside mean nothing, and some members keep theirs")
    func keptMembers() throws {
        let kept =
            #"{"nested":{"_id":5,"_foo":1},"_access":[],"_replication_state":"done","_replication_state_time":1,"#
            + #""_replication_state_reason":"r","_replication_id":"i","_replication_stats":{},"a_b":1}"#
        #expect(try body(kept) == kept)
    }

    @Test("a document that CouchDB refuses is refused in its words", arguments: refused)
    func refusals(text: String, error: SettleError) {
        #expect(throws: error) { try document(text) }
        #expect(throws: error) {
            var reader = JSONReader(Array(#"[{"_id":"fine"},\#(text),{"_foo":2}]"#.utf8))
            _ = try IncomingDocument.documents(reading: &reader)
        }
    }

    @Test("broken JSON loses first, then the first wrong member")
    func precedence() {
        let broken = SettleError(.badRequest, "invalid UTF-8 JSON")
        #expect(throws: broken) { try document(#"{"_foo":1,"_id":5,"a":nul}"#) }
        #expect(throws: SettleError(.illegalDocumentID, "Document id must be a string")) {
            try document(#"{"_id":5,"_foo":1,"_rev":"bad"}"#)
        }
        #expect(throws: SettleError(.badRequest, "Invalid rev format")) {
            try document(#"{"_rev":"bad","_id":5}"#)
        }
        #expect(throws: SettleError(.illegalDocumentID, "Document id must be a string")) {
            try document(#"{"_foo":1,"_id":5,"_foo":2}"#)
        }
        #expect(throws: broken) {
            var reader = JSONReader(Array(#"[{"_foo":1},{"a":]"#.utf8))
            _ = try IncomingDocument.documents(reading: &reader)
        }
    }

    @Test("_revisions give the ancestry and outrank _rev")
    func ancestry() throws {
        let both = try document(
            #"{"_rev":"9-x","_revisions":{"start":3,"ids":["c","b","0123456789abcdef0123456789ABCDEF"]}}"#
        )
        #expect(both.ancestry?.map(\.text) == ["3-c", "2-b", "1-0123456789abcdef0123456789abcdef"])
        #expect(both.revision?.text == "3-c")
        let after = try document(#"{"_revisions":{"ids":["b"],"start":2},"_rev":"not read"}"#)
        #expect(after.revision?.text == "2-b")
        let none = try document(#"{"_revisions":{"start":0,"ids":[]},"_rev":"1-a"}"#)
        #expect(none.ancestry == nil)
        #expect(none.revision?.text == "1-a")
        #expect(throws: SettleError(.badRequest, "Invalid rev format")) {
            try document(#"{"_revisions":{"start":0,"ids":[]},"_rev":"bad"}"#)
        }
    }

    @Test("attachments are kept in order, entries that are no objects dropped")
    func attachments() throws {
        let result = try document(#"{"_attachments":{"b":{"stub":true},"x":5,"a":{"data":"aA==","n":1.0}}}"#)
        let attachments = try IncomingAttachment.parse(result.attachments)
        #expect(attachments.map(\.nameText) == ["b", "a"])
        #expect(
            attachments.map(\.content) == [.stub, .data(try #require(Base64Text(Array("aA==".utf8)[...])))]
        )
        #expect(try document(#"{"_attachments":{"x":5}}"#).attachments == nil)
    }

    @Test("the documents of an array are read one after the other")
    func documents() throws {
        var reader = JSONReader(Array(#"{"docs":[{"_id":"a","n":1}, {"n":2} ],"new_edits":true}"#.utf8))
        #expect(try reader.enterObject())
        #expect(try reader.nextMember())
        let documents = try #require(try IncomingDocument.documents(reading: &reader))
        #expect(documents.map(\.id) == ["a", nil])
        #expect(documents.map { String(decoding: $0.body, as: UTF8.self) } == [#"{"n":1}"#, #"{"n":2}"#])
        #expect(try reader.nextMember())
        #expect(reader.nameIs("new_edits"))
        var other = JSONReader(Array(#"{"docs":{}}"#.utf8))
        #expect(try IncomingDocument.documents(reading: &other) == nil)
    }

    @Test("a range of a text is a document")
    func range() throws {
        let text = Array(#"[{"a":1},{"_id":"b"}]"#.utf8)
        #expect(try IncomingDocument(parsing: text, in: 1..<8).body == Array(#"{"a":1}"#.utf8))
        #expect(try IncomingDocument(parsing: text, in: 9..<20).id == "b")
    }

    @Test(
        "body and term come from one reading, and the body gives the term again",
        arguments: 0..<30 as Range<UInt64>
    )
    func bodyAndTerm(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        for _ in 0..<40 {
            let value = JSONValue.object(["a": random.value(), "b": random.value(), "é": random.value()])
            let document = try IncomingDocument(parsing: random.respell(value))
            #expect(String(decoding: document.body, as: UTF8.self) == value.text, "seed \(seed)")
            #expect(IncomingDocument.term(of: document.body) == document.bodyTerm, "seed \(seed)")
        }
    }
}
