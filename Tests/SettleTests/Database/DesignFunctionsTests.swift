#if JavaScript
import Settle
import SettleJavaScript
import SettleTestSupport
import Testing

@Suite("Functions that an app chooses")
struct DesignFunctionsTests {
    private static let validator: JSONObject = [
        "validate_doc_update":
            "function (doc) { if (doc.type === 'note' && !doc.title) throw({forbidden: 'no title'}) }"
    ]

    @Test("An app's own writes are validated by JavaScript, if it chose that")
    func validates() async throws {
        let directory = TemporaryDirectory()
        var options = StoreOptions(syncsCommits: false)
        options.functions = .javaScript(threadCount: 1)
        let notes = try Database.open(at: "\(directory.path)/notes.settle", creating: true, options: options)
        try await notes.put(Self.validator, at: "_design/notes")
        let refusal = await #expect(throws: SettleError.self) {
            try await notes.put(["type": "note"], at: "a")
        }
        #expect(refusal == SettleError(.forbidden, "no title"))
        try await notes.put(["type": "note", "title": "Milk"], at: "a")
        #expect(try notes.document("a")?.revision.generation == 1)
        withExtendedLifetime(directory) {}
    }

    @Test("Without functions, what would have to be validated is refused with a clear error")
    func refuses() async throws {
        let directory = TemporaryDirectory()
        let options = StoreOptions(syncsCommits: false)
        #expect(options.functions == nil)
        let notes = try Database.open(at: "\(directory.path)/notes.settle", creating: true, options: options)
        try await notes.put(Self.validator, at: "_design/notes")
        let refusal = await #expect(throws: SettleError.self) {
            try await notes.put(["title": "Milk"], at: "a")
        }
        #expect(refusal?.kind == .notImplemented)
        withExtendedLifetime(directory) {}
    }
}
#endif
