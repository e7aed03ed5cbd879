import SettleCore
import SettleTestSupport
import Testing

@Suite("Rows ready for the trees")
struct EncodedRowsTests {
    /// Strings by their bytes, which are no zeros here.
    private struct Bytes: StringCollator {
        let version = "bytes"
        func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
            bytes.append(contentsOf: text[range])
        }
    }

    private func encode(_ rows: [(document: Int, tree: Int, key: String, value: String)]) throws
        -> EncodedRows
    {
        var emitted = EmittedRows()
        for row in rows {
            emitted.emit(
                document: row.document,
                tree: row.tree,
                key: Array(row.key.utf8),
                value: Array(row.value.utf8)
            )
        }
        return try EncodedRows(
            emitted,
            ids: [Array("a".utf8), Array("b".utf8)],
            collations: [.unicode, .raw],
            collator: Bytes()
        )
    }

    private func shown(_ rows: EncodedRows, _ document: Int) -> [String] {
        rows.rows[rows.documents[document].rows].map { row in
            let parts = ViewRow(rows.bytes[row.payload])
            return "\(row.tree) \(String(decoding: parts.key, as: UTF8.self)) \(row.ordinal) "
                + String(decoding: parts.value, as: UTF8.self)
        }
    }

    @Test("A document's rows are sorted by tree, key, and under one key by Erlang's order of the values")
    func sorts() throws {
        let rows = try encode([
            (0, 1, "2", "0"), (0, 0, "\"x\"", "\"t\""), (0, 0, "\"x\"", "5"), (0, 0, "1", "null"),
            (0, 0, "\"x\"", "{}"), (1, 0, "0", "1"), (0, 0, "7", "7"),
        ])
        #expect(
            shown(rows, 0) == [#"0 1 0 null"#, #"0 "x" 0 5"#, #"0 "x" 1 {}"#, #"0 "x" 2 "t""#, "1 2 0 0"]
        )
        // Rows come document by document: what comes late for an earlier one is nobody's.
        #expect(shown(rows, 1) == ["0 0 0 1"])
        for document in rows.documents {
            let keys = rows.rows[document.rows].map { [UInt8($0.tree)] + rows.bytes[$0.sortKey] }
            #expect(keys == keys.sorted { $0.lexicographicallyPrecedes($1) })
        }
    }

    @Test("Keys and values get CouchDB's spelling, however the engine spells them")
    func spells() throws {
        let texts = [
            "1e21", "-0", "1.50", "[1, 2]", #""A""#, "true", "[false,null]", "10", #"{"a":1,"a":2}"#,
            #""\/""#,
            "12345678901234567890123", "-5", #"["x","é\u001f"]"#, "1E2", "[]",
        ]
        for text in texts {
            let value = shown(try encode([(0, 0, "0", text)]), 0)[0].dropFirst(6)
            var canonical: [UInt8] = []
            try JSONText.appendCanonical(Array(text.utf8), to: &canonical)
            #expect(value == String(decoding: canonical, as: UTF8.self), "\(text)")
        }
    }

    @Test("What is no JSON is refused, and rows of trees that don't exist are left out")
    func refuses() throws {
        #expect(throws: SettleError.self) { try encode([(0, 0, "{", "1")]) }
        #expect(throws: SettleError.self) { try encode([(0, 0, "1", "{]")]) }
        #expect(shown(try encode([(0, 5, "1", "1"), (0, 0, "2", "2")]), 0) == ["0 2 0 2"])
    }
}
