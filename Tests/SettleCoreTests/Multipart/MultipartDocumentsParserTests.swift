import SettleCore
import Testing

@Suite("Documents in multipart bodies")
struct MultipartDocumentsParserTests {
    /// What comes across, with the bytes of one attachment put together.
    static func events(
        _ body: String,
        _ contentType: String,
        piece: Int,
        limit: Int = 1000
    ) throws -> [String] {
        let boundary = try #require(MultipartBoundary(contentType: contentType))
        var parser = MultipartDocumentsParser(boundary, maximumDocumentLength: limit)
        var events: [String] = []
        var content: [UInt8] = []
        var rest = Array(body.utf8)[...]
        while !rest.isEmpty {
            let bytes = rest.prefix(piece)
            rest = rest.dropFirst(bytes.count)
            parser.append(bytes)
            while let event = try parser.next() {
                switch event {
                case .document(let text, let headers):
                    let mark = headers.isError ? "error" : headers["X-Doc-Id"] ?? "document"
                    events.append("\(mark) \(String(decoding: text, as: UTF8.self))")
                case .attachment(let headers):
                    events.append("attachment \(headers["Content-Type"] ?? "untyped")")
                case .content(let bytes): content += bytes
                case .attachmentEnd:
                    events.append(String(decoding: content, as: UTF8.self))
                    content = []
                case .documentEnd: events.append("end")
                case .finished: events.append("finished")
                }
            }
        }
        try parser.finish()
        return events
    }

    static let related = """
        --i\r\nContent-Type: application/json\r\n\r\n{"n":1}\r\n--i\r\n\r\nhello\r\n--i\r\n\
        Content-Type: image/png\r\n\r\n\r\n--i--
        """
    static let relatedEvents = [
        #"document {"n":1}"#, "attachment untyped", "hello", "attachment image/png", "", "end",
    ]

    @Test("a related body is one document and its attachments", arguments: [1, 2, 7, .max])
    func related(piece: Int) throws {
        let events = try Self.events(Self.related, "multipart/related; boundary=i", piece: piece)
        #expect(events == Self.relatedEvents + ["finished"])
    }

    @Test("a mixed body is any number of documents, with or without attachments", arguments: [1, 3, .max])
    func mixed(piece: Int) throws {
        let body = """
            --o\r\nContent-Type: multipart/related; boundary="i"\r\n\r\n\(Self.related)\r\n--o\r\n\
            X-Doc-Id: a\r\nContent-Type: application/json\r\n\r\n{}\r\n--o\r\n\
            Content-Type: application/json; error="true"\r\n\r\n{"missing":"1-x"}\r\n--o--
            """
        let events = try Self.events(body, "multipart/mixed; boundary=o", piece: piece)
        let others = ["a {}", "end", #"error {"missing":"1-x"}"#, "end", "finished"]
        #expect(events == Self.relatedEvents + others)
    }

    @Test("a mixed body may be empty but for its end")
    func empty() throws {
        #expect(try Self.events("--o--", "multipart/mixed; boundary=o", piece: 1) == ["finished"])
    }

    @Test(
        "what lacks a document or an end is refused",
        arguments: [
            ("--o--", "multipart/related; boundary=o"),
            ("--o\r\n\r\n{}", "multipart/related; boundary=o"),
            (
                "--o\r\nContent-Type: multipart/related; boundary=i\r\n\r\n--i--\r\n--o--",
                "multipart/mixed; boundary=o"
            ),
            (
                "--o\r\nContent-Type: multipart/related; boundary=i\r\n\r\nx\r\n--o--",
                "multipart/mixed; boundary=o"
            ),
        ]
    )
    func incomplete(body: String, contentType: String) {
        let error = #expect(throws: SettleError.self) { try Self.events(body, contentType, piece: 5) }
        #expect(error?.kind == .badRequest)
    }

    @Test("a document may not be longer than is said", arguments: [1, .max])
    func limit(piece: Int) throws {
        let error = #expect(throws: SettleError.self) {
            try Self.events(Self.related, "multipart/related; boundary=i", piece: piece, limit: 6)
        }
        #expect(error?.kind == .documentTooLarge)
        let events = try Self.events(Self.related, "multipart/related; boundary=i", piece: piece, limit: 7)
        #expect(events == Self.relatedEvents + ["finished"])
    }
}
