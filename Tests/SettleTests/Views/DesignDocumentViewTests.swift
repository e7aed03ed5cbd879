import SettleCore
import SettleJavaScript
import SettleTestSupport
import Testing

@testable import Settle

#if JavaScript
@Suite("Views of design documents")
struct DesignDocumentViewTests {
    private let engine = InProcessEngine()

    private func database() throws -> TestDatabase {
        var options = StoreOptions(syncsCommits: false)
        options.functionEngine = engine
        let test = try TestDatabase(options: options)
        for number in 1...30 { try test.put(DocumentID("d\(number)"), #"{"n":\#(number)}"#) }
        return test
    }

    private func design(_ map: String, reduce: String = "_sum", more: String = "") -> String {
        #"{"views":{"v":{"map":"\#(map)","reduce":"\#(reduce)"}}\#(more)}"#
    }

    @Test("JavaScript maps and reduces, and an edited design document is another index")
    func mapsAndReduces() throws {
        let test = try database()
        let reduce = "function (keys, values, again) { return sum(values) }"
        let first = try test.put(
            "_design/x",
            design("function (doc) { emit(doc.n % 3, doc.n) }", reduce: reduce)
        )
        let view = try test.database.view("_design/x", "v")
        try view.updateBlocking()
        #expect(try view.reduced() == "465")
        let groups = try view.groups([IndexRange()], level: nil, descending: false, limit: 10).groups
        #expect(groups.map { String(decoding: $0.value, as: UTF8.self) } == ["165", "145", "155"])

        try test.put("d31", #"{"n":31}"#)
        try view.updateBlocking()
        #expect(try view.reduced() == "496")

        try test.put("_design/x", design("function (doc) { emit(doc.n, 1) }"), parent: first.revision)
        let edited = try test.database.view("_design/x", "v")
        #expect(edited.index.signature != view.index.signature)
        // Until the new index is there, the old one answers those who don't insist on news.
        #expect(try edited.rows() == [])
        #expect(try edited.rows(acceptsPredecessor: true).count == 31)
        #expect(try edited.rows(acceptsPredecessor: true)[0].key == "0")
        try edited.updateBlocking()
        #expect(try edited.reduced() == "31")
        #expect(try edited.rows(acceptsPredecessor: true)[0].key == "1")
    }

    @Test("Design documents that say the same share an index, and what none names is cleaned up")
    func sharesAndCleansUp() async throws {
        let test = try database()
        let map = "function (doc) { emit(doc.n) }"
        let first = try test.put("_design/x", design(map))
        try test.put("_design/y", design(map, more: #","filters":{"f":"function () {}"}"#))
        let one = try test.database.view("_design/x", "v")
        let other = try test.database.view("_design/y", "v")
        try await one.update()
        #expect(try other.isFresh())
        #expect(try other.rows().count == 30)
        try test.put("_design/x", #"{"_deleted":true}"#, parent: first.revision)
        #expect(try await test.database.cleanUpViews() == 0)
        let revision = try test.database.read { try $0.document("_design/y")?.winner.revision }
        try test.put("_design/y", design("function (doc) { emit(0) }"), parent: revision)
        #expect(try await test.database.cleanUpViews() == 1)
        #expect(throws: SettleError(.notFound, "deleted")) { try test.database.view("_design/x", "v") }
        #expect(throws: SettleError(.notFound, "missing_named_view")) {
            try test.database.view("_design/y", "w")
        }
        #expect(throws: SettleError(.notFound, "missing")) { try test.database.view("_design/z", "v") }
    }

    @Test("Documents that a map function fails on have no rows, and options reach it")
    func skipsFailures() throws {
        let test = try database()
        let map =
            "function (doc) { if (doc.n % 2) { throw 'odd' } emit(doc._local_seq ? 'seq' : 'none', doc._id) }"
        try test.put("_design/x", design(map, reduce: "_count", more: #","options":{"local_seq":true}"#))
        try test.put(
            "_design/y",
            design(
                "function (doc) { emit(doc._id) }",
                reduce: "_count",
                more: #","options":{"include_design":true}"#
            )
        )
        let view = try test.database.view("_design/x", "v")
        try view.updateBlocking()
        #expect(try view.reduced() == "15")
        #expect(try Set(view.rows().map(\.key)) == [#""seq""#])
        let designs = try test.database.view("_design/y", "v")
        try designs.updateBlocking()
        #expect(try designs.reduced() == "32")
    }

    @Test("Other languages, and no engine, have their errors")
    func refusesLanguages() throws {
        let test = try database()
        try test.put("_design/x", #"{"language":"nosuch","views":{"v":{"map":"whatever"}}}"#)
        #expect(throws: SettleError(.unknownQueryLanguage, "nosuch")) {
            try test.database.view("_design/x", "v")
        }
        let without = try TestDatabase()
        try without.put("_design/x", design("function (doc) {}"))
        #expect(
            throws: SettleError(
                .notImplemented,
                "This view is JavaScript, and there is no JavaScript engine."
            )
        ) {
            try without.database.view("_design/x", "v")
        }
    }

    @Test("Indexes in use follow in the background, if the store is told to")
    func follows() async throws {
        var options = StoreOptions(syncsCommits: false)
        options.functionEngine = engine
        options.indexUpkeepDelay = 0.01
        let test = try TestDatabase(options: options)
        try test.put("_design/x", design("function (doc) { emit(doc.n) }"))
        try test.put(
            "_design/y",
            design("function (doc) { emit(doc.n, 1) }", more: #","autoupdate":false"#)
        )
        let view = try test.database.view("_design/x", "v")
        let other = try test.database.view("_design/y", "v")
        try test.put("a", #"{"n":1}"#)
        while try view.rows().count < 1 { try await Task.sleep(for: .milliseconds(2)) }
        #expect(try other.rows() == [])
    }
}
#endif
