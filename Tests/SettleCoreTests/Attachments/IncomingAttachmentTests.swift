import SettleCore
import Testing

@Suite("Attachments of incoming documents")
struct IncomingAttachmentTests {
    static func parse(_ text: String) throws -> [IncomingAttachment] {
        var reader = JSONReader(Array(text.utf8))
        return try IncomingAttachment.parse(try IncomingAttachments(&reader))
    }

    static func content(_ attachment: IncomingAttachment) throws -> [UInt8]? {
        guard case .data(let data) = attachment.content else { return nil }
        var bytes: [UInt8] = []
        try data.decode { part in bytes += part }
        #expect(bytes.count == data.count)
        return bytes
    }

    @Test("of entries and members with one name the last counts, and data may be written with escapes")
    func repetitions() throws {
        let attachments = try Self.parse(
            #"""
            {"a":{"data":"eA=="},"b":{"data":5,"data":"\/\u002f8=","stub":true,"stub":false},"a":{"stub":true},
             "c":{"data":"eA=="},"c":7}
            """#
        )
        #expect(attachments.map(\.nameText) == ["b", "a"])
        #expect(try attachments.map { try Self.content($0) } == [[0xFF, 0xFF], nil])
    }

    @Test("large data is decoded part by part")
    func largeData() throws {
        let bytes = (0..<300_001).map { UInt8(truncatingIfNeeded: $0 &* 7 >> 3) }
        let attachments = try Self.parse(#"{"a":{"data":"\#(Base64.encoded(bytes))"}}"#)
        #expect(try Self.content(attachments[0]) == bytes)
    }

    @Test("data is decoded; what else is said about it means nothing")
    func data() throws {
        let attachments = try Self.parse(
            """
            {"z":{"content_type":"text/plain","data":"eA==","revpos":7,"digest":"md5-bogus","length":99,"extra":1},
             "a":{"data":"","stub":"yes","follows":1}}
            """
        )
        #expect(attachments.map(\.nameText) == ["z", "a"])
        #expect(try attachments.map { try Self.content($0) } == [[0x78], []])
        #expect(attachments.map(\.revpos) == [7, nil])
        #expect(attachments.map(\.digest) == [nil, nil])
        #expect(attachments[0].contentType == Array("text/plain".utf8))
        #expect(attachments[1].contentType == SettleCore.Attachment.defaultContentType)
    }

    @Test("content that follows tells its lengths, encoding and digest")
    func follows() throws {
        let attachments = try Self.parse(
            """
            {"a":{"follows":true,"length":5},
             "b":{"follows":true,"length":5,"encoding":"gzip","encoded_length":25,
                  "digest":"md5-iMaiC8wqiFlD2NjLTemvCQ==","revpos":2},
             "c":{"follows":true,"length":5,"encoding":"gzip","digest":"sha1-x"},
             "d":{"follows":true}}
            """
        )
        #expect(
            attachments.map(\.content) == [
                .follows(length: 5, encodedLength: 5, encoding: .identity),
                .follows(length: 5, encodedLength: 25, encoding: .gzip),
                .follows(length: 5, encodedLength: 5, encoding: .gzip),
                .follows(length: nil, encodedLength: nil, encoding: .identity),
            ]
        )
        #expect(attachments.map { $0.digest?.count } == [nil, 16, nil, nil])
        #expect(attachments.map(\.revpos) == [nil, 2, nil, nil])
    }

    @Test("a stub is a stub whatever else it has")
    func stubs() throws {
        let attachments = try Self.parse(#"{"a":{"stub":true,"follows":true,"data":"*","revpos":3}}"#)
        #expect(attachments.map(\.content) == [.stub])
        #expect(attachments.map(\.revpos) == [3])
    }

    @Test("entries that are no objects are dropped", arguments: ["{}", #"{"x":5,"_y":null}"#, "5", "null"])
    func dropped(text: String) throws {
        #expect(try Self.parse(text).isEmpty)
        #expect(try IncomingAttachment.parse(nil).isEmpty)
    }

    @Test(
        "what makes no sense is refused in CouchDB's words",
        arguments: [
            (#"{"x":{"data":"***"}}"#, "Invalid attachment data for x"),
            (#"{"x":{"content_type":"text/plain"}}"#, "Invalid attachment data for x"),
            (#"{"x":{"data":"eA"}}"#, "Invalid attachment data for x"),
            (#"{"x":{"data":5}}"#, "Invalid attachment data for x"),
            (#"{"_x":{"data":"eA=="}}"#, "Attachment name '_x' starts with prohibited character '_'"),
            (#"{"_x":{"data":"eA=="},"y":{}}"#, "Invalid attachment data for y"),
            (#"{"_x":{"stub":true}}"#, "Attachment name '_x' starts with prohibited character '_'"),
            (#"{"x":{"data":"","content_type":5}}"#, "Invalid attachment content_type for x"),
            (#"{"x":{"follows":true,"encoding":"br"}}"#, "Invalid attachment encoding for x"),
            (#"{"x":{"follows":true,"digest":"md5-*"}}"#, "Invalid attachment digest for x"),
        ]
    )
    func refused(text: String, reason: String) {
        let error = #expect(throws: SettleError.self) { try Self.parse(text) }
        #expect(error == SettleError(.badRequest, reason))
    }

    @Test("content is compared with the length and digest that were announced")
    func verification() throws {
        let attachments = try Self.parse(
            #"{"x":{"follows":true,"length":3,"digest":"md5-AAECAwQFBgcICQoLDA0ODw=="},"y":{"data":""}}"#
        )
        try attachments[0].check(receivedLength: 3)
        try attachments[0].check(receivedMD5: Array(0..<16))
        try attachments[1].check(receivedLength: 9)
        try attachments[1].check(receivedMD5: [])
        for (length, word) in [(2, "shorter"), (4, "longer")] as [(UInt64, String)] {
            let error = #expect(throws: SettleError.self) { try attachments[0].check(receivedLength: length) }
            #expect(error == SettleError(.badRequest, "attachment \(word) than expected"))
        }
        let error = #expect(throws: SettleError.self) {
            try attachments[0].check(receivedMD5: Array(1..<17))
        }
        #expect(error?.status == 400)
        #expect(error?.name == "content_md5_mismatch")
    }

    @Test("a stub for nothing names document and attachment")
    func missingStub() {
        let error = IncomingAttachment.missingStub(Array("gone.txt".utf8), in: DocumentID("d"))
        #expect(error.status == 412)
        #expect(error.name == "missing_stub")
        #expect(error.reason == "Invalid attachment stub in d for gone.txt")
    }
}
