import SettleTestSupport
import Testing

@testable import SettleCore

@Suite("An answer of `open_revs` with attachments")
struct RevisionsParserTests {
    private static let document =
        #"{"_id":"a","_rev":"2-b","_attachments":{"f":{"follows":true,"length":5},"#
        + #""s":{"stub":true,"revpos":1},"g":{"follows":true,"length":0}}}"#
    private static let text = [
        "--o", "Content-Type: multipart/related; boundary=\"i\"", "",
        "--i", "Content-Type: application/json", "", document,
        "--i", "Content-Disposition: attachment; filename=\"f\"", "", "he\r\nx", "--i", "", "", "--i--",
        "--o", "Content-Type: application/json", "", #"{"_id":"a","_rev":"1-c"}"#,
        "--o", "Content-Type: application/json; error=\"true\"", "", #"{"missing":"3-d"}"#, "--o--",
    ].joined(separator: "\r\n")

    /// What the pieces of a text say, with neighbouring bytes joined.
    private func read(_ text: String, cut: () -> Int) throws -> [String] {
        var parser = try #require(RevisionsParser(contentType: "multipart/mixed; boundary=o"))
        var rest = Array(text.utf8)[...]
        var events: [String] = []
        while !rest.isEmpty {
            let part = rest.prefix(cut())
            parser.append(part)
            rest = rest.dropFirst(part.count)
            while let event = try parser.next() {
                switch event {
                case .revision(let revision): events.append(String(decoding: revision.json, as: UTF8.self))
                case .content(let bytes):
                    let text = String(decoding: bytes, as: UTF8.self)
                    if events.last?.hasPrefix("content:") == true {
                        events[events.count - 1] += text
                    } else {
                        events.append("content:" + text)
                    }
                case .contentEnd: events.append("end")
                case .missing: events.append("missing")
                }
            }
        }
        try parser.finish()
        return events
    }

    @Test("gives the same events however it is cut", arguments: UInt64(1)...8)
    func cuts(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let events = try read(Self.text) { Int.random(in: 1...40, using: &random) }
        let expected = [
            Self.document, "content:he\r\nx", "end", "end", #"{"_id":"a","_rev":"1-c"}"#, "missing",
        ]
        #expect(events == expected, "seed \(seed)")
    }

    @Test("is refused where the parts are not those that the document lists")
    func wrongCount() {
        let few = Self.text.replacing("--i\r\n\r\n\r\n--i--", with: "--i--")
        let many = Self.text.replacing("--i--", with: "--i\r\n\r\nmore\r\n--i--")
        for text in [few, many] {
            #expect(throws: SettleError.self) { try read(text) { 7 } }
        }
    }

    @Test("is refused where it ends early")
    func endsEarly() {
        #expect(throws: SettleError.self) { try read(String(Self.text.dropLast(5))) { 9 } }
        #expect(RevisionsParser(contentType: "application/json") == nil)
    }
}
