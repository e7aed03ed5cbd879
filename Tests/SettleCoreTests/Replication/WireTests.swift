import Testing

@testable import SettleCore

@Suite("What a replicator says and hears")
struct WireTests {
    private func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
    private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    @Test("a page of changes is read, with heartbeats before it and members it does not know")
    func changes() throws {
        let page = try ChangesPage(
            json: bytes(
                """
                \n\n{"results":[
                {"seq":"1-x","id":"a","changes":[{"rev":"2-b"},{"rev":"2-a"}]},
                {"doc":{"id":"no"},"id":"_design\\/d","changes":[{"rev":"1-z"}],"deleted":true,"seq":"3-x"}
                ],"more":[{}],"last_seq":"7-x","pending":4}
                """
            )
        )
        #expect(page.rows == [Make.row("a", "2-b", "2-a"), Make.row("_design/d", "1-z")])
        #expect(page.lastRowSequence?.description == #""3-x""#)
        #expect(page.lastSequence.description == #""7-x""#)
        #expect(page.pending == 4)
        #expect(
            try ChangesPage(json: bytes(#"{"results":[],"last_seq":12}"#)).lastSequence.description == "12"
        )
    }

    @Test(
        "an answer that isn't one is a failure of the peer",
        arguments: ["", "{", "[]", #"{"results":[{]}"#]
    )
    func malformed(answer: String) throws {
        let failure = try #require(throws: PeerFailure.self) { try ChangesPage(json: bytes(answer)) }
        #expect(failure.kind == .malformedAnswer)
        #expect(!failure.isTransient)
    }

    @Test("a sequence becomes a query parameter as the source wrote it")
    func sequences() {
        func parameter(_ json: String) -> String { text(SourceSequence(json: bytes(json)).parameter) }
        #expect(parameter("23") == "23")
        #expect(parameter(#""23-g1AA""#) == "23-g1AA")
        #expect(parameter(#"[23,"x"]"#) == #"[23,"x"]"#)
        #expect(parameter(#""a\"b""#) == #""a\"b""#)
    }

    @Test("a selection becomes a filter")
    func selections() {
        typealias Selection = ReplicationOptions.Selection
        let documents = Selection.documents(["a", "\"b"]).changesQuery
        #expect(documents.parameters == [.init(name: "filter", value: "_doc_ids")])
        #expect(documents.body.map(text) == #"{"doc_ids":["a","\"b"]}"#)
        #expect(Selection.selector(["n": 1]).changesQuery.body.map(text) == #"{"selector":{"n":1}}"#)
        let filter = Selection.filter(name: "d/f", parameters: ["t": "y", "n": 2]).changesQuery
        #expect(filter.body == nil)
        #expect(filter.parameters.map(\.value) == ["d/f", "y", "2"])
    }

    @Test("`_revs_diff` is asked once for each document and its answer read")
    func difference() throws {
        let rows = [Make.row("a", "2-b"), Make.row("ü\"", "1-x"), Make.row("a", "2-c")]
        #expect(text(RevisionsDifference.question(rows)) == #"{"a":["2-b","2-c"],"ü\"":["1-x"]}"#)
        let answer = #"{"a":{"missing":["2-b"],"possible_ancestors":["1-a"]},"b":{"missing":[]}}"#
        let expected = WantedRevision(
            id: "a",
            revision: Make.revision("2-b"),
            ancestors: [Make.revision("1-a")]
        )
        #expect(try RevisionsDifference.missing(json: bytes(answer)) == [expected])
    }

    @Test(
        "`_bulk_get` gives slices, with attachments seen, newer revisions taken, and what is not there named"
    )
    func bulkGet() throws {
        let wanted = ["a", "b", "c", "d"].map { Make.wanted($0, "1-x") }
        #expect(
            text(DocumentsFetch.question(Array(wanted.prefix(2))))
                == #"{"docs":[{"id":"a","rev":"1-x"},{"id":"b","rev":"1-x"}]}"#
        )
        let answer = try DocumentsFetch.answer(
            json: bytes(
                """
                {"results":[{"id":"a","docs":[{"ok":{"_id":"a","n":1e3}},{"ok":{"_id":"a","_attachments":{"f":{}}}}]},
                {"id":"b","docs":[{"error":{"id":"b","rev":"1-x","error":"not_found","reason":"missing"}}]},
                {"docs":[{"error":{"error":"forbidden","reason":"no"}}],"id":"c"},
                {"id":"d","docs":[{"ok": {"_id" : "d","_attachments":{}} }]}]}
                """
            ),
            to: wanted
        )
        #expect(
            answer.documents.map { text($0.json) } == [
                #"{"_id":"a","n":1e3}"#, #"{"_id":"a","_attachments":{"f":{}}}"#,
                #"{"_id" : "d","_attachments":{}}"#,
            ]
        )
        #expect(answer.documents.map(\.hasAttachments) == [false, true, false])
        #expect(answer.missing == [1])
        #expect(answer.refused == [.init(index: 2, name: "forbidden", reason: "no")])
    }

    @Test("`_bulk_get` that answers something else is not believed")
    func bulkGetMismatch() {
        let wanted = [Make.wanted("a", "1-x")]
        for answer in [#"{"results":[]}"#, #"{"results":[{"id":"b","docs":[]}]}"#, #"{"error":"x"}"#] {
            #expect(throws: PeerFailure.self) { try DocumentsFetch.answer(json: bytes(answer), to: wanted) }
        }
    }

    @Test("`open_revs` gives the same")
    func openRevisions() throws {
        let wanted = Make.wanted("a", "1-x")
        let found = try DocumentsFetch.answer(openRevisions: bytes(#"[{"ok":{"_id":"a"}}]"#), to: wanted)
        #expect(found.documents.map { text($0.json) } == [#"{"_id":"a"}"#])
        let missing = try DocumentsFetch.answer(openRevisions: bytes(#"[{"missing":"1-x"}]"#), to: wanted)
        #expect(missing == FetchAnswer(missing: [0]))
        #expect(
            try DocumentsFetch.answer(openRevisions: bytes("[]"), to: wanted) == FetchAnswer(missing: [0])
        )
    }

    @Test("`_bulk_docs` names those it refused")
    func bulkDocuments() throws {
        let answer =
            #"[{"ok":true,"id":"a","rev":"1-x"},{"id":"b","rev":"1-y","error":"forbidden","reason":"no"}]"#
        let expected = WriteRejection(
            id: "b",
            revision: Make.revision("1-y"),
            name: "forbidden",
            reason: "no"
        )
        #expect(try DocumentsWrite.rejections(json: bytes(answer)) == [expected])
        #expect(try DocumentsWrite.rejections(json: bytes("[]")) == [])
    }

    @Test("a status other than success is a failure with the peer's words")
    func statuses() {
        let body = bytes(#"{"error":"forbidden","reason":"no"}"#)
        let failure = PeerFailure(status: 403, body: body, retryAfter: nil, url: "u")
        #expect(failure.error == SettleError(.forbidden, "no"))
        let page = PeerFailure(status: 502, body: bytes("<html>"), retryAfter: nil, url: "u")
        #expect(page.isTransient)
        #expect(page.reason == "u answered with status 502.")
    }
}
