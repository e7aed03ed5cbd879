import SettleCore
import SettleStorage
import SettleTestSupport
import Synchronization
import Testing

@testable import Settle

@Suite("Indexes on disk")
struct ViewIndexTests {
    private func filled(options: StoreOptions = StoreOptions(syncsCommits: false)) throws -> TestDatabase {
        let test = try TestDatabase(options: options)
        try test.put("a", #"{"tags":["x","y"],"n":1,"key":"a"}"#)
        try test.put("b", #"{"tags":["y"],"n":2,"key":[1]}"#)
        try test.put("c", #"{"n":4}"#)
        return test
    }

    @Test("A view is built, asked, and follows its documents")
    func follows() throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        #expect(try view.rows() == [])
        #expect(try !view.isFresh())
        try view.updateBlocking()
        #expect(try view.isFresh())
        #expect(try view.rows().map(\.description) == [#""x" a 1"#, #""y" a 1"#, #""y" b 2"#])
        #expect(try view.reduced() == "4")

        let first = try #require(try test.put("d", #"{"tags":["x"],"n":10}"#).revision)
        #expect(try test.database.view(TestViews().source, "tags").isFresh() == false)
        try view.updateBlocking()
        #expect(try view.reduced() == "14")
        try test.put("d", #"{"_deleted":true}"#, parent: first)
        try view.updateBlocking()
        #expect(try view.rows().map(\.id) == ["a", "a", "b"])
    }

    /// Takes too long, always.
    private final class LoopingMapper: ViewMapper {
        let calls = Atomic(0)

        func map(_ documents: [[UInt8]]) throws(SettleError) -> EmittedRows {
            calls.add(1, ordering: .relaxed)
            throw .functionsTookTooLong
        }
    }

    @Test("A map function that took too long isn't tried again until its database has changed")
    func looping() async throws {
        let test = try filled()
        let mapper = LoopingMapper()
        let source = ViewSource(group: TestViews().source.group, title: "loops", mapper: mapper)
        let view = try test.database.view(source, "tags")
        #expect(throws: SettleError.functionsTookTooLong) { try view.updateBlocking() }
        let calls = mapper.calls.load(ordering: .relaxed)
        #expect(calls > 0)
        await #expect(throws: SettleError.functionsTookTooLong) { try await view.update() }
        view.updateInBackground()
        #expect(throws: SettleError.functionsTookTooLong) { try view.updateBlocking() }
        #expect(mapper.calls.load(ordering: .relaxed) == calls)
        try test.put("d", "{}")
        #expect(throws: SettleError.functionsTookTooLong) { try view.updateBlocking() }
        #expect(mapper.calls.load(ordering: .relaxed) > calls)
    }

    @Test("Ranges, order, skip, rank and groups")
    func queries() throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        try view.updateBlocking()
        let y = try view.collationKey(of: Array(#""y""#.utf8))
        let range = IndexRange(lower: ViewRowKey.start(y), upper: ViewRowKey.end(y))
        #expect(try view.rows(range).map(\.id) == ["a", "b"])
        #expect(try view.rows(range, descending: true).map(\.id) == ["b", "a"])
        #expect(try view.rows(skip: 2).map(\.id) == ["b"])
        let after = IndexRange(lower: ViewRowKey.end(y, "a"), upper: ViewRowKey.end(y))
        #expect(try view.rows(after).map(\.id) == ["b"])
        #expect(try view.read { try $0.rank(of: y) } == 1)
        #expect(try view.read { $0.totalRows } == 3)
        #expect(try view.reduced(range) == "3")
        #expect(try view.reduced(IndexRange(lower: ViewRowKey.end(y))) == nil)
        let first = try view.groups([IndexRange()], level: nil, descending: false, limit: 1)
        #expect(first.groups == [ReducedGroup(key: Array(#""x""#.utf8), value: [0x31])])
        let rest = try view.groups(first.rest, level: nil, descending: false, limit: 10)
        #expect(rest.groups == [ReducedGroup(key: Array(#""y""#.utf8), value: [0x33])])
        #expect(rest.rest.isEmpty)
    }

    @Test("Rows of one document under one key stand in the order of their values")
    func ordersEqualKeys() throws {
        let test = try TestDatabase()
        try test.put("a", #"{"tags":["x","x"],"n":2}"#)
        let source = ViewSource(
            group: ViewGroup(
                language: "native",
                views: [ViewDefinition(name: [0x76], map: [0x31], reduce: nil)]
            ),
            title: "test",
            mapper: ClosureMapper([
                { _, emit in
                    for value in ["1", "2", #""a""#, "1"] { emit(Array("0".utf8), Array(value.utf8)) }
                }
            ])
        )
        let view = try test.database.view(source, "v")
        try view.updateBlocking()
        #expect(try view.rows().map(\.value) == ["1", "1", "2", #""a""#])
    }

    @Test("An update that emits the same rows writes none of them")
    func leavesUnchangedRows() throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        try view.updateBlocking()
        let before = try view.index.read { _, _, header in header.trees }
        let revision = try #require(try test.put("e", #"{"tags":["z"],"n":0}"#).revision)
        try view.updateBlocking()
        let between = try view.index.read { _, _, header in header }
        try test.put("e", #"{"tags":["z"],"n":0,"other":1}"#, parent: revision)
        try view.updateBlocking()
        let after = try view.index.read { _, _, header in header }
        #expect(before != after?.trees)
        #expect(between?.trees == after?.trees)
        #expect(between?.nextNode == after?.nextNode)
        #expect(between?.state.updateSequence != after?.state.updateSequence)
    }

    @Test("Purged documents lose their rows, and an index that missed a purge is built anew")
    func purges() async throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        try view.updateBlocking()
        let a = try #require(try test.database.read { try $0.document("a")?.winner.revision })
        _ = try await test.database.perform(.purge([("a", [a])]))
        try view.updateBlocking()
        #expect(try view.rows().map(\.id) == ["b"])
        let generation = try view.index.shared.environment()?.generation

        // The purge of b is forgotten before the index sees it.
        _ = try await test.database.perform(.purgedInfosLimit(1))
        for id in ["b", "c"] as [DocumentID] {
            let revision = try #require(try test.database.read { try $0.document(id)?.winner.revision })
            _ = try await test.database.perform(.purge([(id, [revision])]))
        }
        try test.put("d", #"{"tags":["z"],"n":7}"#)
        try view.updateBlocking()
        #expect(try view.rows().map(\.id) == ["d"])
        #expect(try view.index.shared.environment()?.generation != generation)
    }

    @Test("Another version of the collation builds the index anew, and the old one answers until then")
    func upgradesCollation() async throws {
        var options = StoreOptions(syncsCommits: false)
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/test.settle"
        weak var former: Database?
        do {
            let database = try Database.open(at: path, creating: true, options: options)
            let document = try IncomingDocument(parsing: Array(#"{"tags":["x"],"n":1}"#.utf8))
            _ = try database.performBlocking(
                .edits([try DocumentEdit(id: "a", kind: .interactive(parent: nil), document: document)])
            )
            try database.view(TestViews().source, "tags").updateBlocking()
            former = database
        }
        // The updater's thread may hold it for a moment; as long as it is there, opening gives the same again.
        while former != nil { try await Task.sleep(for: .milliseconds(1)) }
        options.collatorVersion = "another"
        let database = try Database.open(at: path, options: options)
        let view = try database.view(TestViews().source, "tags")
        #expect(try !view.isFresh())
        #expect(try view.rows().map(\.id) == ["a"])
        try view.updateBlocking()
        #expect(try view.isFresh())
        #expect(try view.rows().map(\.id) == ["a"])
        #expect(try view.index.state()?.collatorVersion == Array("another".utf8))
        #expect(try IndexEnvironment.generations(in: view.index.shared.directory) == [2])
    }

    @Test("Compaction of the database leaves its indexes right, and compacting an index keeps its rows")
    func compacts() async throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        try await view.update()
        try await test.database.compact()
        #expect(try test.database.view(TestViews().source, "tags").isFresh())
        try test.put("d", #"{"tags":["x"],"n":8}"#)
        try await view.update()
        #expect(try view.reduced() == "12")
        try await view.index.compact()
        #expect(try view.reduced() == "12")
        #expect(try view.index.shared.environment()?.generation == 2)
        try test.put("e", #"{"tags":["x"],"n":16}"#)
        try await view.update()
        #expect(try view.reduced() == "28")
    }

    @Test("A database made anew under the same name has none of the old rows")
    func recreates() async throws {
        let folder = TemporaryDirectory()
        let databases = try DatabaseFolder(path: folder.path, options: StoreOptions(syncsCommits: false))
        let old = try databases.create("notes")
        _ = try await old.put(["tags": ["x"], "n": 1], at: "a")
        let oldView = try old.view(TestViews().source, "tags")
        try await oldView.update()
        _ = try await databases.delete("notes")
        #expect(throws: Database.doesNotExist) { try oldView.updateBlocking() }
        let new = try databases.create("notes")
        let view = try new.view(TestViews().source, "tags")
        #expect(try view.rows() == [])
        try await view.update()
        #expect(try view.rows() == [])
    }

    @Test("An index whose file is no index any more is built anew")
    func replacesDamage() throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        let directory = view.index.shared.directory
        try FileSystem.createDirectory("\(test.database.directory)/views")
        try FileSystem.createDirectory(directory)
        let garbage = [UInt8](repeating: 0x5A, count: 3 * 4096)
        try FileSystem.replaceFile(IndexEnvironment.path(directory, 3), with: garbage)
        #expect(try view.rows() == [])
        try view.updateBlocking()
        #expect(try view.rows().count == 3)
        #expect(try IndexEnvironment.generations(in: directory) == [4])
    }

    @Test("Many who wait for one index are served by few passes")
    func coalesces() async throws {
        let test = try filled()
        let view = try test.database.view(TestViews().source, "tags")
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            for _ in 0..<50 { tasks.addTask { try await view.update() } }
            try await tasks.waitForAll()
        }
        #expect(view.index.shared.beginPass() <= 3)
        #expect(try view.rows().count == 3)
    }

    @Test("What stops the updater is told to those who wait, and the next update may succeed")
    func tellsFailures() throws {
        struct Failing: ViewMapper {
            let fails: @Sendable () -> Bool
            func map(_ documents: [[UInt8]]) throws(SettleError) -> EmittedRows {
                if fails() { throw SettleError(.timeout, "too slow") }
                return EmittedRows()
            }
        }
        let test = try filled()
        let group = TestViews().source.group
        let failing = ViewSource(group: group, title: "test", mapper: Failing { true })
        #expect(throws: SettleError(.timeout, "too slow")) {
            try test.database.view(failing, "tags").updateBlocking()
        }
        try test.database.view(TestViews().source, "tags").updateBlocking()
        #expect(try test.database.view(TestViews().source, "tags").rows().count == 3)
    }

    @Test("Indexes that no design document names are cleaned up")
    func cleansUp() async throws {
        let test = try filled()
        let native = try test.database.view(TestViews().source, "tags")
        try await native.update()
        let unnamed = ViewSource(
            group: TestViews(version: "2").source.group,
            title: "gone",
            mapper: TestViews(version: "2").source.mapper,
            directoryPrefix: ""
        )
        let view = try test.database.view(unnamed, "tags")
        try await view.update()
        #expect(try await test.database.cleanUpViews() == 1)
        #expect(try native.rows().count == 3)
        #expect(try view.rows() == [])
        try await view.update()
        #expect(try view.rows().count == 3)
    }
}
