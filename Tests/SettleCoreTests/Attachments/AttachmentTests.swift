import SettleCore
import Testing

@Suite("Attachments of stored revisions")
struct AttachmentTests {
    let plain: SettleCore.Attachment
    let packed: SettleCore.Attachment

    init() throws {
        plain = try MultipartWriterTests.attachment("a.bin")
        packed = try MultipartWriterTests.attachment("b \"é\"", .gzip)
    }

    @Test("stubs tell type, revpos, digest and length")
    func stubs() {
        var output: [UInt8] = []
        AttachmentsMember.appendStubs([plain, packed], to: &output)
        let rest =
            #"{"content_type":"text/plain","revpos":1,"digest":"md5-AAECAwQFBgcICQoLDA0ODw==","length":13,"stub":true}"#
        #expect(
            String(decoding: output, as: UTF8.self)
                == #","_attachments":{"a.bin":\#(rest),"b \"é\"":\#(rest)}"#
        )
    }

    @Test("each entry has the form it is asked for, with the encoding at its end")
    func forms() throws {
        var output: [UInt8] = []
        try AttachmentsMember.append(
            [plain, packed, packed],
            encodingInfo: true,
            to: &output,
            form: { $0 == plain ? .follows : .data },
            data: { (attachment, output) throws(SettleError) in
                #expect(attachment == packed)
                output += "SGk=".utf8
            }
        )
        let head = #"{"content_type":"text/plain","revpos":1,"digest":"md5-AAECAwQFBgcICQoLDA0ODw==","#
        let data = #""b \"é\"":\#(head)"data":"SGk=","encoding":"gzip","encoded_length":33}"#
        #expect(
            String(decoding: output, as: UTF8.self)
                == #","_attachments":{"a.bin":\#(head)"length":13,"follows":true},\#(data),\#(data)}"#
        )
    }

    @Test("a document without attachments has no member")
    func none() {
        var output: [UInt8] = []
        AttachmentsMember.appendStubs([], to: &output)
        #expect(output.isEmpty)
    }

    @Test(
        "text, scripts, JSON and XML are compressed",
        arguments: [
            ("text/plain", true), ("TEXT/css; charset=utf-8", true), ("  text/x", true),
            ("application/json", true), ("application/JSON ;a=b", true), ("application/xml ", true),
            ("application/javascript", true), ("application/json5", false), ("application/ld+json", false),
            ("image/png", false), ("application/octet-stream", false), ("xtext/plain", false), ("", false),
            ("image/text/plain", false),
        ]
    )
    func compressible(type: String, expected: Bool) {
        #expect(SettleCore.Attachment.isCompressible(contentType: type.utf8) == expected)
    }

    @Test("uploads may be gzip or nothing special")
    func contentEncodings() throws {
        #expect(try SettleCore.Attachment.Encoding(contentEncoding: nil) == .identity)
        #expect(try SettleCore.Attachment.Encoding(contentEncoding: " Identity") == .identity)
        #expect(try SettleCore.Attachment.Encoding(contentEncoding: "GZIP") == .gzip)
        let error = #expect(throws: SettleError.self) {
            try SettleCore.Attachment.Encoding(contentEncoding: "deflate")
        }
        #expect(error?.status == 415)
        #expect(error?.reason == "Only gzip and identity content-encodings are supported")
    }

    @Test("a peer knows attachments up to its newest revision on the path")
    func knownGeneration() throws {
        let path = try ["3-c", "2-b", "1-a"].map { try #require(RevisionID($0)) }
        func known(_ since: String...) throws -> UInt64 {
            SettleCore.Attachment.knownGeneration(
                path: path,
                since: try since.map { try #require(RevisionID($0)) }
            )
        }
        #expect(try known() == 0)
        #expect(try known("1-a", "2-b") == 2)
        #expect(try known("2-x", "9-c") == 0)
        #expect(try known("3-c") == 3)
    }

    @Test("digests are shown in base64")
    func digests() {
        #expect(plain.digestText == "md5-AAECAwQFBgcICQoLDA0ODw==")
        #expect(plain.entityTag == "\"AAECAwQFBgcICQoLDA0ODw==\"")
    }

    @Test("a blob's key has 32 bytes, keeps them, and is ordered by them")
    func blobKeys() throws {
        #expect(plain.blob.bytes == Array(0..<32))
        #expect(BlobKey(bytes: 0..<31) == nil)
        #expect(BlobKey(bytes: 0..<33) == nil)
        let other = try #require(BlobKey(bytes: Array(0..<31) + [32]))
        #expect(plain.blob < other)
        #expect(!(other < plain.blob))
    }
}
