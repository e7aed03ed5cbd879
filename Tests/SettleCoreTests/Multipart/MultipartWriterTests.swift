import SettleCore
import Testing

@Suite("Writing multipart bodies")
struct MultipartWriterTests {
    static func attachment(_ name: String, _ encoding: SettleCore.Attachment.Encoding = .identity) throws
        -> SettleCore.Attachment
    {
        SettleCore.Attachment(
            name: Array(name.utf8),
            contentType: Array("text/plain".utf8),
            revpos: 1,
            encoding: encoding,
            length: 13,
            storedLength: encoding == .gzip ? 33 : 13,
            md5: Array(0..<16),
            blob: try #require(BlobKey(bytes: 0..<32))
        )
    }

    @Test("the line break before a boundary belongs to the boundary")
    func layout() {
        var writer = MultipartWriter(boundary: "B")
        var output: [UInt8] = []
        writer.beginDocument(to: &output)
        output.append(contentsOf: "{}".utf8)
        writer.beginPart(headers: [], to: &output)
        output.append(contentsOf: "x".utf8)
        writer.finish(to: &output)
        let expected = "--B\r\nContent-Type: application/json\r\n\r\n{}\r\n--B\r\n\r\nx\r\n--B--"
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test("a body without parts is empty")
    func empty() {
        var output: [UInt8] = []
        MultipartWriter(boundary: "B").finish(to: &output)
        #expect(output.isEmpty)
    }

    @Test("an attachment's part tells its name, type, stored length and encoding")
    func attachments() throws {
        var writer = MultipartWriter(boundary: "B")
        var output: [UInt8] = []
        writer.beginPart(try Self.attachment("a\r\n\"é\\.txt", .gzip), to: &output)
        let expected = [
            "--B", #"Content-Disposition: attachment; filename="a  \"é\\.txt""#, "Content-Type: text/plain",
            "Content-Length: 33", "Content-Encoding: gzip", "", "",
        ]
        #expect(String(decoding: output, as: UTF8.self) == expected.joined(separator: "\r\n"))
    }

    @Test("a range's part tells the type and the range")
    func ranges() {
        var writer = MultipartWriter(boundary: "B")
        var output: [UInt8] = []
        writer.beginPart(4...5, length: 20, contentType: "image/png", to: &output)
        #expect(
            String(decoding: output, as: UTF8.self)
                == "--B\r\nContent-Type: image/png\r\nContent-Range: bytes 4-5/20\r\n\r\n"
        )
    }

    @Test("the length of a body is known before it is written")
    func length() throws {
        let attachments = [try Self.attachment("a"), try Self.attachment("b", .gzip)]
        var writer = MultipartWriter(boundary: "B")
        var output: [UInt8] = []
        writer.beginDocument(to: &output)
        output += "{\"n\":1}".utf8
        for attachment in attachments {
            writer.beginPart(attachment, to: &output)
            output += [UInt8](repeating: 0, count: Int(attachment.storedLength))
        }
        writer.finish(to: &output)
        let length = MultipartWriter.lengthOfRelated(
            boundary: "B",
            documentLength: 7,
            attachments: attachments
        )
        #expect(length == UInt64(output.count))
    }
}
