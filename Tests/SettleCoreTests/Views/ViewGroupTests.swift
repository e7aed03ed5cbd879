import SettleCore
import Testing

@Suite("What a design document's views come to")
struct ViewGroupTests {
    private func group(_ json: String) throws -> ViewGroup {
        try ViewGroup(designDocument: Array(json.utf8))
    }

    @Test("Views with equal map and options share a tree")
    func sharesTrees() throws {
        let group = try group(
            #"""
            {"views":{"sum":{"map":"M","reduce":"_sum"},"count":{"map":"M","reduce":"_count"},
            "again":{"map":"M","reduce":"_sum"},"raw":{"map":"M","options":{"collation":"raw"}},"n":{"map":"N"}}}
            """#
        )
        #expect(group.views.map(\.name) == ["again", "count", "n", "raw", "sum"])
        #expect(group.views.map(\.tree) == [0, 0, 1, 2, 0])
        #expect(group.views.map(\.reducer) == [0, 1, nil, nil, 0])
        #expect(group.trees.map(\.reduces.count) == [2, 0, 0])
        #expect(group.trees.map(\.collation) == [.unicode, .unicode, .raw])
    }

    @Test("The signature depends on what decides the rows, and on nothing else")
    func signs() throws {
        let plain = try group(#"{"views":{"a":{"map":"M"}}}"#).signature
        let same = [
            #"{"_id":"_design/y","_rev":"3-x","views":{"a":{"map":"M","reduce":null}},"language":"javascript"}"#,
            #"{"views":{"a":{"map":"M"}},"filters":{"f":"F"},"validate_doc_update":"V","autoupdate":false}"#,
        ]
        let others = [
            #"{"views":{"a":{"map":"N"}}}"#, #"{"views":{"b":{"map":"M"}}}"#,
            #"{"views":{"a":{"map":"M","reduce":"_sum"}}}"#,
            #"{"views":{"a":{"map":"M"},"lib":{"x":"1"}}}"#,
            #"{"views":{"a":{"map":"M"}},"options":{"include_design":true}}"#,
            #"{"views":{"a":{"map":"M"}},"options":{"local_seq":true}}"#,
            #"{"views":{"a":{"map":"M","options":{"collation":"raw"}}}}"#,
            #"{"views":{"a":{"map":"M"}},"language":"erlang"}"#,
        ]
        for json in same { #expect(try group(json).signature == plain, "\(json)") }
        let signatures = try others.map { try group($0).signature } + [plain]
        #expect(Set(signatures).count == signatures.count)
        #expect(plain.utf8.count == 32)
    }

    @Test("What is no view is passed over")
    func passesOver() throws {
        #expect(try group(#"{"views":{"a":5,"b":{"reduce":"_sum"},"lib":{"m":"x"}}}"#).views.isEmpty)
        #expect(try group(#"{"views":[]}"#).trees.isEmpty)
        #expect(try group(#"{"views":{"":{"map":"M"}}}"#).view("")?.tree == 0)
        #expect(try group(#"{"views":{"é":{"map":"M"}}}"#).view("e\u{301}") == nil)
    }
}
