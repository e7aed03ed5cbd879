import SettleCore
import Testing

@Suite("Request targets")
struct RequestTargetTests {
    private func segments(_ text: String) -> [String] {
        RequestTarget(text).segments.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "paths are split before they are decoded",
        arguments: [
            ("/", []),
            ("/db", ["db"]),
            ("//db//doc/", ["db", "doc"]),
            ("/a%2Fb/c", ["a/b", "c"]),
            ("/db/with+space", ["db", "with space"]),
            ("/db/plus%2Bsign", ["db", "plus+sign"]),
            ("/db/100%25", ["db", "100%"]),
            ("/db/100%", ["db", "100%"]),
            ("/db/%zz%4", ["db", "%zz%4"]),
            ("/db/%c3%A9", ["db", "é"]),
            ("/db/doc#fragment?no=query", ["db", "doc"]),
            ("http://host:5984/db/doc", ["db", "doc"]),
        ]
    )
    func paths(text: String, expected: [String]) {
        #expect(segments(text) == expected)
    }

    @Test("a query keeps the order of its parameters, decodes them and takes names without values")
    func query() {
        let query = RequestTarget("/db?b=1&a=%22x%22;c=d+e&baz&b=2").query
        #expect(query.items.map(\.name) == ["b", "a", "c", "baz", "b"])
        #expect(query.items.map(\.value) == ["1", "\"x\"", "d e", "", "2"])
        #expect(query["b"] == "1")
        #expect(query["none"] == nil)
        #expect(RequestTarget("/db?").query.isEmpty)
    }

    @Test("bytes that are no UTF-8 survive decoding")
    func bytes() {
        #expect(RequestTarget("/db/%FF%00").segments == [Array("db".utf8), [0xFF, 0]])
    }

    @Test(
        "two digits must follow every percent sign",
        arguments: [
            ("/db/a%2Fb?x=%c3%A9", true), ("/", true), ("/%25", true), ("/%", false), ("/%2", false),
            ("/%zz", false), ("/a%20b%2", false), ("/%%41", false),
        ]
    )
    func wellFormed(text: String, expected: Bool) {
        #expect(PercentEncoding.isWellFormed(text.utf8) == expected)
    }

    @Test("Location is encoded as CouchDB encodes it")
    func encoding() {
        var output: [UInt8] = []
        PercentEncoding.append("a/b $(c)+é_.-:~".utf8, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "a%2Fb%20%24%28c%29%2B%C3%A9_.-:%7E")
    }
}
