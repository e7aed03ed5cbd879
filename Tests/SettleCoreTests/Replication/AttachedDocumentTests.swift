import Crypto
import Testing

@testable import SettleCore

@Suite("Documents with small attachments, on the wire")
struct AttachedDocumentTests {
    private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }

    private func attachment(_ name: String, _ content: String, type: String = "image/png") throws
        -> SettleCore.Attachment
    {
        let bytes = Array(content.utf8)
        return SettleCore.Attachment(
            name: Array(name.utf8),
            contentType: Array(type.utf8),
            revpos: 2,
            encoding: type == "text/plain" ? .gzip : .identity,
            length: UInt64(bytes.count) + (type == "text/plain" ? 3 : 0),
            storedLength: UInt64(bytes.count),
            md5: Array(Insecure.MD5.hash(data: bytes)),
            blob: try #require(BlobKey(bytes: SHA256.hash(data: bytes)))
        )
    }

    private func document(
        _ members: String,
        _ attachments: [SettleCore.Attachment],
        held: Set<BlobKey> = []
    ) throws -> AttachedRevision {
        var json = Array(#"{"_id":"a","_rev":"2-b","_revisions":{"start":2,"ids":["b","a"]}"#.utf8)
        AttachmentsMember.open(to: &json)
        for (index, attachment) in attachments.enumerated() {
            let isHeld = held.contains(attachment.blob)
            let form: AttachmentsMember.Form = isHeld ? .stub : .follows
            AttachmentsMember.openEntry(attachment, form: form, isFirst: index == 0, to: &json)
            AttachmentsMember.closeEntry(
                attachment,
                form: form,
                encodingInfo: true,
                contentKey: isHeld,
                to: &json
            )
        }
        AttachmentsMember.close(to: &json)
        json += Array("\(members)}".utf8)
        return try AttachedRevision(json: json)
    }

    @Test("an entry with its SHA-256 is read as the attachment it describes, and any other is not")
    func described() throws {
        let plain = try attachment("f", "pixels")
        let packed = try attachment("ü\"", "packed", type: "text/plain")
        let revision = try document("", [plain, packed], held: [plain.blob, packed.blob])
        #expect(revision.attachments.map(\.reference) == [plain, packed])
        #expect(revision.attachments.map(\.content) == [.stub, .stub])
        #expect(revision.following == [])
        #expect(revision.path == [Make.revision("2-b"), Make.revision("1-a")])
        let bare = try AttachedRevision(
            json: Array(
                #"{"_attachments":{"a":{"stub":true,"sha256":"xx"},"b":{"stub":true,"length":1,"digest":"md5-AA=="}}}"#
                    .utf8
            )
        )
        #expect(bare.attachments.map(\.reference) == [nil, nil])
    }

    @Test(
        "content goes inside where the target would store the same bytes; the rest of the text stays as it was"
    )
    func inlined() throws {
        let plain = try attachment("f", "pixels")
        let packed = try attachment("t", "packed", type: "text/plain")
        let held = try attachment("h", "held")
        let revision = try document(#", "ü" : [1.0]"#, [plain, held, packed], held: [held.blob])
        let question = AttachedQuestion(Make.wanted("a", "2-b"))
        let contents = [Array("pixels".utf8), Array("packed".utf8)]
        let inside = AttachedDocument(question, revision, contents: contents).inlined { _ in
            Array("text".utf8)
        }
        let expected = [
            #"{"_id":"a","_rev":"2-b","_revisions":{"start":2,"ids":["b","a"]},"_attachments":{"#,
            #""f":{"content_type":"image/png","revpos":2,"data":"cGl4ZWxz"},"#,
            #""h":{"content_type":"image/png","revpos":2,"digest":""#, held.digestText,
            #"","length":4,"stub":true,"sha256":""#, held.blob.text, #""},"#,
            #""t":{"content_type":"text/plain","revpos":2,"data":"dGV4dA=="}}, "ü" : [1.0]}"#,
        ].joined()
        #expect(inside.map(text) == expected)
        #expect(AttachedDocument(question, revision, contents: contents).inlined { _ in nil } == nil)
        let wrong = [Array("pixelz".utf8), Array("packed".utf8)]
        #expect(AttachedDocument(question, revision, contents: wrong).inlined { $0 } == nil)
    }

    @Test("text that is stored as it is, and pictures that are stored compressed, do not go inside")
    func otherCodings() throws {
        var packed = try attachment("f", "x")
        packed.encoding = .gzip
        var plain = try attachment("f", "x", type: "text/plain")
        plain.encoding = .identity
        for attachment in [packed, plain] {
            let revision = try document("", [attachment])
            let document = AttachedDocument(
                AttachedQuestion(Make.wanted("a", "2-b")),
                revision,
                contents: [Array("x".utf8)]
            )
            #expect(document.inlined { $0 } == nil)
        }
    }

    private func events(_ revisions: [AttachedRevision]) -> [RevisionEvent] {
        revisions.flatMap { revision in
            [.revision(revision)]
                + revision.following.flatMap { _ in [RevisionEvent.content([1]), .content([2]), .contentEnd] }
        }
    }

    @Test("answers are matched by id and ancestry, and what is not beyond doubt is left")
    func collected() throws {
        let revision = try document("", [try attachment("f", "pixels")])
        let other = try AttachedRevision(json: Array(#"{"_id":"b","_rev":"1-z"}"#.utf8))
        let stranger = try AttachedRevision(json: Array(#"{"_id":"c","_rev":"1-z"}"#.utf8))
        let questions = [("b", "1-y"), ("a", "1-a"), ("b", "1-z"), ("a", "2-x")]
            .map { AttachedQuestion(Make.wanted($0.0, $0.1)) }
        var collector = AttachedDocumentsCollector(limit: 1_000)
        for event in events([revision, stranger, other]) + [.missing] { try collector.append(event) }
        let answer = collector.answer(to: questions, isCut: false)
        #expect(answer.documents.map(\.question) == [questions[1], questions[2]])
        #expect(answer.documents.map(\.contents) == [[[1, 2]], []])
        #expect(answer.left == [0, 3])
        let cut = collector.answer(to: questions, isCut: true)
        #expect(cut.documents.map(\.question) == [questions[1]])
        #expect(cut.left == [0, 2, 3])
        var small = AttachedDocumentsCollector(limit: 20)
        let error = #expect(throws: SettleError.self) {
            for event in events([revision]) { try small.append(event) }
        }
        #expect(error?.kind == .tooLarge)
    }

    @Test("a question names what the target's ancestors have, and what it holds of what was shown")
    func question() throws {
        let shown = try attachment("f", "pixels")
        let wanted = WantedRevision(
            id: "a",
            revision: Make.revision("2-b"),
            ancestors: [Make.revision("1-a")]
        )
        let question = AttachedQuestion(wanted, shown: [shown])
        let other = try attachment("g", "other")
        let body = DocumentsFetch.question(
            [question, AttachedQuestion(Make.wanted("b", "1-x"))],
            held: [shown.blob, other.blob]
        )
        let expected =
            #"{"docs":[{"id":"a","rev":"2-b","atts_since":["1-a"],"atts_held":["\#(shown.blob.text)"]},"#
            + #"{"id":"b","rev":"1-x"}]}"#
        #expect(text(body) == expected)
    }

    @Test("what is held is asked for and answered by SHA-256")
    func contentKeys() throws {
        let keys = try ["x", "y"].map { try attachment("f", $0).blob }
        #expect(try ContentKeys.asked(json: ContentKeys.question(keys)) == keys)
        #expect(try ContentKeys.missing(json: ContentKeys.answer(missing: [keys[1]])) == [keys[1]])
        #expect(try ContentKeys.asked(json: Array("[]".utf8)) == nil)
        #expect(try ContentKeys.missing(json: Array(#"{"error":"x"}"#.utf8)) == nil)
        #expect(ContentKeys.keys(["x", 1, .string(keys[0].text)]) == [keys[0]])
        #expect(BlobKey(text: keys[0].text) == keys[0])
    }

    @Test("what a source shows tells how much is to be expected")
    func sizes() throws {
        let text =
            #"{"results":[{"id":"a","docs":[{"ok":{"_id":"a","_attachments":{"f":{"length":5,"stub":true},"#
            + #""g":{"encoded_length":70,"length":7,"encoding":"gzip","stub":true}}}}]}]}"#
        let answer = try DocumentsFetch.answer(json: Array(text.utf8), to: [Make.wanted("a", "1-x")])
        #expect(answer.documents.first?.attachments.map(\.length) == [5, 70])
    }
}
