import SettleCore
import Testing

@Suite("Rewrite rules")
struct RewriteRulesTests {
    private func rules(_ text: String) throws -> RewriteRules {
        try RewriteRules(try JSONValue(parsing: Array(text.utf8)))
    }

    private func rewritten(
        _ rules: RewriteRules,
        _ path: String,
        _ query: String = "",
        method: String = "GET"
    ) -> String? {
        let parameters = RequestTarget("/?\(query)").query
        let path = path.split(separator: "/").map { String($0) }
        guard let result = rules.rewrite(method: method, path: path, query: parameters) else { return nil }
        let design = ["db", "_design", "d"].map { Array($0.utf8) }
        return RewriteRules.target(design: design, path: result.path, query: result.query).text
    }

    @Test("the first rule whose path and method match wins")
    func firstMatch() throws {
        let rules = try rules(
            #"""
            [{"from":"/a","to":"one","method":"POST"},{"from":"a","to":"two"},{"from":"/a","to":"three"}]
            """#
        )
        #expect(rewritten(rules, "a", method: "POST") == "/db/_design/d/one")
        #expect(rewritten(rules, "a") == "/db/_design/d/two")
        #expect(rewritten(rules, "a/b") == nil)
        #expect(rewritten(rules, "") == nil)
    }

    @Test("names stand for segments, a star for the rest")
    func bindings() throws {
        let rules = try rules(
            #"[{"from":"/by/:k/*","to":"_show/:k/x/*"},{"from":"*","to":"rest/*"}]"#
        )
        #expect(rewritten(rules, "by/name/1/2") == "/db/_design/d/_show/name/x/1/2")
        #expect(rewritten(rules, "else/where") == "/db/_design/d/rest/else/where")
    }

    @Test("keys in a rule's query become JSON, the request's other parameters stay")
    func query() throws {
        let rules = try rules(
            #"[{"from":"/t/:k","to":"_view/t","query":{"key":[":k",":q",1],"reduce":"false","limit":5}}]"#
        )
        #expect(
            rewritten(rules, "t/A", "q=z&limit=9")
                == "/db/_design/d/_view/t?key=%5B%22A%22%2C%22z%22%2C1%5D&reduce=false&limit=5&q=z"
        )
    }

    @Test("a target may leave the design document, but not the server")
    func dots() throws {
        let rules = try rules(
            #"[{"from":"/all","to":"../../_all_docs"},{"from":"/up","to":"../../../../../x"},{"from":"r","to":""}]"#
        )
        #expect(rewritten(rules, "all") == "/db/_all_docs")
        #expect(rewritten(rules, "up") == "/x")
        #expect(rewritten(rules, "r") == "/db/_design/d")
    }

    @Test("what are no rules is refused", arguments: ["5", "{}", #"[{"from":"/a"}]"#])
    func illFormed(text: String) {
        #expect(throws: SettleError.self) { try rules(text) }
    }
}
