#if JavaScript
import Foundation
import SettleCore
import SettleTestSupport
import Testing

@Suite("settle query")
struct QueryTests {
    private let folder = TemporaryDirectory()

    init() throws {
        let documents = [
            #"{"_id":"1","author":"Austen","pages":474}"#, #"{"_id":"2","author":"Austen","pages":249}"#,
            #"{"_id":"3","author":"Eliot","pages":880,"see":{"_id":"1"}}"#,
            #"{"_id":"_design/books","views":{"pages":{"map":"function(d){emit(d.author,d.pages)}","reduce":"_sum"}}}"#,
        ]
        _ = try runSettle(
            ["load", "books", "-", "--data", folder.path],
            input: documents.joined(separator: "\n")
        )
    }

    private func query(_ arguments: String...) throws -> CommandResult {
        try runSettle(["query", "books"] + arguments + ["--data", folder.path], input: "")
    }

    private let map = "function (doc) { emit([doc.author, doc._id], doc.pages) }"

    @Test("a function to try out gives rows, and leaves no index behind")
    func tryingOut() throws {
        let rows = try query("--map", map)
        #expect(rows.status == 0, "\(rows.errors)")
        #expect(
            rows.output == """
                {"id":"1","key":["Austen","1"],"value":474}
                {"id":"2","key":["Austen","2"],"value":249}
                {"id":"3","key":["Eliot","3"],"value":880}

                """
        )
        let views = try FileManager.default.contentsOfDirectory(atPath: "\(folder.path)/books.settle/views")
        #expect(views == [])
        #expect(
            try query("--map", map, "--startkey", #"["B"]"#, "--limit", "1").output
                == "{\"id\":\"3\",\"key\":[\"Eliot\",\"3\"],\"value\":880}\n"
        )
        #expect(try query("--map", map, "--descending", "--skip", "2").output.hasPrefix(#"{"id":"1""#))
    }

    @Test("reductions come whole, by key and by the first elements of keys")
    func reductions() throws {
        #expect(try query("--map", map, "--reduce", "_sum").output == "{\"key\":null,\"value\":1603}\n")
        #expect(
            try query("--map", map, "--reduce", "_sum", "--group-level", "1").output
                == "{\"key\":[\"Austen\"],\"value\":723}\n{\"key\":[\"Eliot\"],\"value\":880}\n"
        )
        let function = "function (keys, values, rereduce) { return rereduce ? sum(values) : values.length }"
        #expect(
            try query("--map", map, "--reduce", function, "--group", "--skip", "1", "--limit", "1").output
                == "{\"key\":[\"Austen\",\"2\"],\"value\":1}\n"
        )
        #expect(try query("--map", map, "--reduce", "_sum", "--key", "1").output == "")
    }

    @Test(
        "a design document's view is shown by its name",
        arguments: ["books/pages", "_design/books/_view/pages"]
    )
    func stored(name: String) throws {
        #expect(
            try query(name, "--group").output
                == "{\"key\":\"Austen\",\"value\":723}\n{\"key\":\"Eliot\",\"value\":880}\n"
        )
        #expect(
            try query(name, "--no-reduce", "--key", #""Eliot""#, "--include-docs").output
                .contains(#""doc":{"_id":"3","_rev":"1-"#)
        )
    }

    @Test("a function may be in a file")
    func file() throws {
        let path = folder.path + "/map.js"
        try "function (doc) { emit(doc._id, doc.see) }".write(toFile: path, atomically: true, encoding: .utf8)
        let rows = try query("--map", "@\(path)", "--descending", "--limit", "1", "--include-docs")
        // The value names another document.
        #expect(rows.output.contains(#""value":{"_id":"1"},"doc":{"_id":"1""#))
        #expect(try query("--map", "@/no/such/file").status == 1)
    }

    @Test(
        "what cannot be done is said",
        arguments: [
            (["--map", "function (doc) {"], 1, "Unexpected end of input"),
            (["books/other"], 1, "there is no view other in _design/books of books"),
            (["books"], 1, "is not of the form DESIGN/VIEW"),
            (["books/pages", "--key", "Eliot"], 1, #"--key Eliot is not JSON; a text is written '"Eliot"'"#),
            (["--map", "function (doc) {}", "--group"], 1, "Invalid use of grouping on a map view."),
            (
                ["--map", "function (doc) {}", "--reduce", "_nonsense"], 1,
                "`_nonsense` is not a supported reduce function."
            ),
            ([], 64, "Give either a view of a design document"),
            (["books/pages", "--reduce", "_sum"], 64, "--reduce belongs to --map"),
        ] as [([String], Int32, String)]
    )
    func impossible(arguments: [String], status: Int32, message: String) throws {
        let result = try runSettle(["query", "books"] + arguments + ["--data", folder.path], input: "")
        #expect(result.status == status)
        #expect(result.errors.contains(message), "\(result.errors)")
    }
}
#endif
