import SettleCore
import SettleTestSupport
import Testing

@Suite("Multipart bodies")
struct MultipartParserTests {
    struct Part: Equatable {
        var headers: MultipartHeaders
        var body: [UInt8] = []
    }

    /// Parses a body that arrives in pieces of the lengths that `next` gives.
    static func parts(_ body: [UInt8], boundary: String, next: () -> Int) throws(SettleError) -> [Part] {
        var parser = MultipartParser(boundary: boundary)
        var parts: [Part] = []
        var open: Part?
        var rest = body[...]
        repeat {
            let piece = rest.prefix(next())
            rest = rest.dropFirst(piece.count)
            parser.append(piece)
            while let event = try parser.next() {
                switch event {
                case .begin(let headers):
                    #expect(open == nil)
                    open = Part(headers: headers)
                case .body(let bytes):
                    #expect(open != nil && !bytes.isEmpty)
                    open?.body += bytes
                case .end:
                    let part = open
                    open = nil
                    if let part { parts.append(part) }
                case .finished:
                    #expect(open == nil)
                }
            }
        } while !rest.isEmpty
        try parser.finish()
        return parts
    }

    static func parts(_ body: String, boundary: String) throws(SettleError) -> [Part] {
        try parts(Array(body.utf8), boundary: boundary) { .max }
    }

    /// Bytes that are much like boundaries, without holding one.
    static func content(_ random: inout SeededGenerator, boundary: String) -> [UInt8] {
        var content: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<12, using: &random) {
            switch Int.random(in: 0..<6, using: &random) {
            case 0: content += "\r\n".utf8
            case 1: content += "\r\r\n\r\n-\r\n".utf8
            case 2: content += "\r\n--\(boundary)x".utf8
            case 3: content += "\r\r\n-\(boundary)".utf8
            case 4: content += "--\(boundary)".utf8.prefix(Int.random(in: 0..<5, using: &random))
            default:
                let count = Int.random(in: 0..<80, using: &random)
                content += (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) }
            }
            // What could become a boundary together with the next bytes is cut off by a letter.
            content.append(UInt8(ascii: "e"))
        }
        return content
    }

    @Test("what was written is read back, however it is cut", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let boundary = ["b", "--x--", "0123456789abcdef0123456789abcdef", "-"][Int(seed % 4)]
        var writer = MultipartWriter(boundary: boundary)
        var body: [UInt8] = seed % 3 == 0 ? Array("preamble\r\n".utf8) : []
        var written: [Part] = []
        for _ in 0..<Int.random(in: 1..<6, using: &random) {
            var headers: [(name: String, value: String)] = []
            for index in 0..<Int.random(in: 0..<4, using: &random) {
                headers.append(("X-\(index)", "v \(index): é"))
            }
            let part = Part(
                headers: MultipartHeaders(headers),
                body: Self.content(&random, boundary: boundary)
            )
            writer.beginPart(headers: headers, to: &body)
            body += part.body
            written.append(part)
        }
        writer.finish(to: &body)
        if seed % 2 == 0 { body += "\r\nepilogue\r\n--\(boundary)\r\n\r\nno part".utf8 }
        #expect(try Self.parts(body, boundary: boundary) { .max } == written)
        #expect(try Self.parts(body, boundary: boundary) { 1 } == written)
        for _ in 0..<4 {
            let longest = [2, 5, 17, 100][Int.random(in: 0..<4, using: &random)]
            let read = try Self.parts(body, boundary: boundary) {
                Int.random(in: 0...longest, using: &random)
            }
            #expect(read == written)
        }
    }

    @Test("any bytes give the same outcome however they are cut", arguments: 0..<200 as Range<UInt64>)
    func anyBytes(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let words = [
            "\r\n", "--", "b", "\r", "\n", "-", " ", ":", "--b", "\r\n--b", "\r\n--b--", "\r\n\r\n", "\u{0}",
        ]
        var body: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<60, using: &random) {
            body += words[Int.random(in: 0..<words.count, using: &random)].utf8
        }
        func outcome(_ next: () -> Int) -> Result<[Part], SettleError> {
            do throws(SettleError) {
                return .success(try Self.parts(body, boundary: "b", next: next))
            } catch {
                return .failure(error)
            }
        }
        let whole = outcome { .max }
        #expect(outcome { 1 } == whole)
        #expect(outcome { Int.random(in: 0...7, using: &random) } == whole)
    }

    @Test("every proper beginning of a body is incomplete")
    func truncation() throws {
        let body = Array("--b\r\nA: 1\r\n\r\nhello\r\n--b\r\n\r\n\r\n--b--".utf8)
        #expect(try Self.parts(body, boundary: "b") { .max }.map(\.body) == [Array("hello".utf8), []])
        for length in 0..<body.count {
            let error = #expect(throws: SettleError.self) {
                try Self.parts(Array(body[..<length]), boundary: "b") { .max }
            }
            #expect(error?.kind == .badRequest)
        }
    }

    @Test("a boundary may be followed by blanks; one that goes on is content")
    func boundaries() throws {
        let parts = try Self.parts("x\r\n--b \t\r\n\r\none\r\n--bc\r\ntwo\r\n--b--", boundary: "b")
        #expect(parts.map { String(decoding: $0.body, as: UTF8.self) } == ["one\r\n--bc\r\ntwo"])
        #expect(try Self.parts("--b--", boundary: "b").isEmpty)
    }

    @Test("header fields are found in any case, without the blanks around them")
    func headers() throws {
        let parts = try Self.parts(
            "--b\r\ncontent-TYPE:multipart/related; boundary=i\r\nno field\r\nX: a:b \r\n\r\n--b--\r\n--b--",
            boundary: "b"
        )
        #expect(parts.map(\.body) == [Array("--b--".utf8)])
        let headers = try #require(parts.first?.headers)
        #expect(headers["Content-Type"] == "multipart/related; boundary=i")
        #expect(headers.boundary?.text == "i")
        #expect(headers["x"] == "a:b")
        #expect(headers["Y"] == nil)
        #expect(headers.fields.count == 2)
    }

    @Test("header fields without end are refused, in whatever pieces they come", arguments: [1, 1000, .max])
    func longHeaders(piece: Int) {
        let length = MultipartParser.maximumHeaderLength + 100
        let body = Array("--b\r\nA: ".utf8) + [UInt8](repeating: 0x61, count: length)
        let error = #expect(throws: SettleError.self) { try Self.parts(body, boundary: "b") { piece } }
        #expect(error?.reason == "The header fields of a part of the multipart body are too long.")
    }

    @Test("a part that is multipart goes through a parser of its own")
    func nesting() throws {
        var inner: [UInt8] = []
        var writer = MultipartWriter(boundary: "bb")
        writer.beginDocument(to: &inner)
        inner += "{}".utf8
        writer.finish(to: &inner)
        var body: [UInt8] = []
        var outer = MultipartWriter(boundary: "b")
        outer.beginPart(headers: [("Content-Type", writer.contentType("related"))], to: &body)
        body += inner
        outer.finish(to: &body)
        let part = try #require(try Self.parts(body, boundary: "b") { 1 }.first)
        let boundary = try #require(part.headers.boundary)
        #expect(boundary.subtype == "related")
        let document = try Self.parts(part.body, boundary: boundary.text) { .max }
        #expect(document.map(\.body) == [Array("{}".utf8)])
        #expect(document.first?.headers["content-type"] == "application/json")
    }

    @Test(
        "the boundary is read from the content type",
        arguments: [
            ("multipart/related;boundary=\"xyz\"", "related", "xyz"),
            ("Multipart/MIXED ; charset=x; Boundary=a", "mixed", "a"),
            (#"multipart/mixed; x="boundary=no;"; boundary="a;\"b""#, "mixed", #"a;"b"#),
            ("multipart/related; boundary=q ; y=z", "related", "q"),
            ("multipart/related", nil, nil),
            ("multipart/related; boundary=", nil, nil),
            ("multipart/related; boundary", nil, nil),
            ("application/json; boundary=b", nil, nil),
            ("", nil, nil),
        ] as [(String, String?, String?)]
    )
    func contentTypes(text: String, subtype: String?, boundary: String?) {
        let found = MultipartBoundary(contentType: text)
        #expect(found?.subtype == subtype)
        #expect(found?.text == boundary)
    }
}
