import SettleCore
import SettleReplication
import Testing

@testable import SettleCLI

@Suite("Arguments")
struct ArgumentTests {
    @Test(
        "a location is a URL, a path or a name",
        arguments: [
            ("http://h/db", Location.url("http://h/db")), ("HTTPS://h/db", .url("HTTPS://h/db")),
            ("./notes", .path("./notes")), ("a/b", .path("a/b")), ("notes.settle", .path("notes.settle")),
            ("notes", .name("notes")), ("httpd", .name("httpd")),
        ]
    )
    func locations(text: String, location: Location) {
        #expect(Location(argument: text) == location)
    }

    @Test("a location is shown without its password")
    func shownLocation() {
        #expect(!Location("http://bob:secret@h:5984/db").description.contains("secret"))
        #expect(Location("notes").description == "notes")
    }

    @Test(
        "a listening address has a host and perhaps a port",
        arguments: [
            ("127.0.0.1:80", ListeningAddress(host: "127.0.0.1", port: 80)),
            ("h", ListeningAddress(host: "h", port: 5984)),
            ("[::1]:0", ListeningAddress(host: "::1", port: 0)),
            ("[::]", ListeningAddress(host: "::", port: 5984)),
            ("h:65536", nil), ("h:x", nil), ("::1:80", nil), (":80", nil), ("", nil),
        ]
    )
    func addresses(text: String, address: ListeningAddress?) {
        #expect(ListeningAddress(argument: text) == address)
    }

    @Test("an administrator has a name and a password, which may hold colons")
    func administrators() throws {
        let administrator = try #require(Administrator(argument: "me:a:b"))
        #expect(administrator.name == "me")
        #expect(administrator.password == "a:b")
        #expect(Administrator(argument: "me") == nil)
        #expect(Administrator(argument: ":x") == nil)
        #expect(Administrator(argument: "me:") == nil)
    }

    @Test("numbers are shown for people")
    func shownNumbers() {
        #expect(
            [0, 999, 1000, 1_234_567, -1000].map { Shown.count($0) } == [
                "0", "999", "1,000", "1,234,567", "-1,000",
            ]
        )
        #expect([512, 1536, 5 << 20].map { Shown.bytes($0) } == ["512 B", "1.5 KiB", "5.0 MiB"])
        #expect(Shown.rate(500, .milliseconds(250)) == "2,000/s")
        #expect(Shown.bar(0.5, cells: 4) == "██░░")
    }
}

@Suite("Comparing leaf revisions")
struct LeafDifferenceTests {
    private func document(_ id: String, _ revisions: String...) -> ChangedDocument {
        ChangedDocument(
            id: DocumentID(id),
            revisions: revisions.compactMap { RevisionID("\($0)\(String(repeating: "0", count: 31))") }
        )
    }

    @Test("only what one side has is listed, in order of ids")
    func difference() {
        var difference = LeafDifference()
        for each in [document("b", "1-a"), document("a", "1-a", "2-b"), document("c", "1-c")] {
            difference.first(each)
        }
        for each in [document("a", "1-a", "3-d"), document("b", "1-a"), document("d", "1-e")] {
            difference.second(each)
        }
        let lines = String(decoding: difference.lines, as: UTF8.self).split(separator: "\n").map {
            $0.filter { $0 != "0" }
        }
        #expect(lines == ["< \"a\" 2-b", "> \"a\" 3-d", "< \"c\" 1-c", "> \"d\" 1-e"])
        #expect(!difference.isEmpty)
    }

    @Test("equal sides differ in nothing")
    func equal() {
        var difference = LeafDifference()
        difference.first(document("a", "1-a", "2-b"))
        difference.second(document("a", "2-b", "1-a"))
        #expect(difference.isEmpty)
        #expect(difference.lines == [])
    }
}
