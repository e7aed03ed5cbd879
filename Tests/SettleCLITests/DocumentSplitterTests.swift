import SettleTestSupport
import Testing

@testable import SettleCLI

@Suite("Splitting input into documents")
struct DocumentSplitterTests {
    /// The documents of a text, given in portions of random sizes.
    private func split(_ text: String, seed: UInt64 = 0) throws -> [String] {
        var generator = SeededGenerator(seed: seed)
        var splitter = DocumentSplitter()
        var rest = Array(text.utf8)[...]
        var documents: [[UInt8]] = []
        while !rest.isEmpty {
            let count = seed == 0 ? rest.count : Int.random(in: 1...5, using: &generator)
            try splitter.split(rest.prefix(count), into: &documents)
            rest = rest.dropFirst(count)
        }
        try splitter.finish()
        return documents.map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "lines and arrays give the same documents, however the bytes arrive",
        arguments: 0..<20 as Range<UInt64>
    )
    func forms(seed: UInt64) throws {
        let documents = [#"{"_id":"a","x":[1,{"y":"}]"}]}"#, "{}", #"{"s":"\"{","t":"\\"}"#, "{\"u\":\"é\"}"]
        #expect(try split(documents.joined(separator: "\n") + "\n", seed: seed) == documents)
        #expect(try split(documents.joined(separator: "\r\n\r\n"), seed: seed) == documents)
        #expect(try split(documents.joined(separator: ""), seed: seed) == documents)
        #expect(try split(" [\n\(documents.joined(separator: ",\n"))\n]\n", seed: seed) == documents)
    }

    @Test("nothing, and an empty array, hold no documents")
    func empty() throws {
        #expect(try split("") == [])
        #expect(try split(" \n") == [])
        #expect(try split("[]") == [])
    }

    @Test(
        "what is no document is refused where it stands",
        arguments: [
            ("x", UInt8(ascii: "x"), 0), ("{}\nnull", UInt8(ascii: "n"), 3), ("[1]", UInt8(ascii: "1"), 1),
            ("[{}{}]", UInt8(ascii: "{"), 3), ("[,{}]", UInt8(ascii: ","), 1), ("[]{}", UInt8(ascii: "{"), 2),
            ("{},{}", UInt8(ascii: ","), 2),
        ]
    )
    func misplaced(text: String, byte: UInt8, offset: Int) {
        #expect(throws: DocumentSplitter.Failure.unexpected(byte, offset: offset)) { try split(text) }
    }

    @Test(
        "an end inside a document or an array is noticed",
        arguments: ["{", #"{"a":"}"#, "[{}", "[{},", "["]
    )
    func unfinished(text: String) {
        #expect(throws: DocumentSplitter.Failure.unfinished) { try split(text) }
    }
}
