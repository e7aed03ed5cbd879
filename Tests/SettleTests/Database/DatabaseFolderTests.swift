import SettleCore
import SettleTestSupport
import Synchronization
import Testing

@testable import Settle

@Suite("Database folder")
struct DatabaseFolderTests {
    let directory = TemporaryDirectory()

    private func folder(open: Int = 256) throws -> DatabaseFolder {
        try DatabaseFolder(
            path: directory.path,
            options: StoreOptions(maximumOpenDatabases: open, syncsCommits: false)
        )
    }

    @Test("Names with slashes and signs are kept, listed in byte order, and deleted")
    func names() async throws {
        let folder = try folder()
        for name in ["b/c", "a", "b", "a_$()+-", "_users"] { _ = try folder.create(name) }
        #expect(try folder.names() == ["_users", "a", "a_$()+-", "b", "b/c"])
        #expect(try await folder.delete("b"))
        #expect(try await !folder.delete("b"))
        #expect(try folder.open("b") == nil)
        #expect(try folder.names() == ["_users", "a", "a_$()+-", "b/c"])
    }

    @Test(
        "A name that breaks CouchDB's rule is refused",
        arguments: ["", "A", "1a", "_x", "a b", "ä", "a.b", "_users/a"]
    )
    func illegalNames(name: String) throws {
        let folder = try folder()
        let error = #expect(throws: SettleError.self) { try folder.create(name) }
        #expect(error?.kind == .illegalDatabaseName)
        #expect(try folder.open(name) == nil)
    }

    @Test("A second creation is refused, and a deleted database starts afresh")
    func recreation() async throws {
        let folder = try folder()
        let first = try folder.create("a")
        let old = try first.read { try $0.info.uuid }
        #expect(throws: SettleError(.fileExists)) { try folder.create("a") }
        _ = try await folder.delete("a")
        #expect(throws: Database.doesNotExist) { try first.read { _ in } }
        let second = try folder.create("a")
        #expect(try second.read { try $0.info.uuid } != old)
    }

    @Test("More databases than may be open at once all keep their documents")
    func manyDatabases() throws {
        let folder = try folder(open: 8)
        for index in 0..<40 {
            let database = try folder.create("db\(index)")
            _ = try database.performBlocking(
                .local("_local/me", body: Array("{}".utf8), revision: UInt64(index))
            )
        }
        for index in 0..<40 {
            let database = try #require(try folder.open("db\(index)"))
            #expect(try database.read { try $0.localDocument("_local/me")?.revision } == UInt64(index + 1))
        }
    }

    @Test("Listeners hear of databases that others create, make anew and delete, and of its own only once")
    func otherProcesses() async throws {
        let directory = TemporaryDirectory()
        let ours = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
        // What another process does looks no different from here.
        let others = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
        let events = Mutex<[DatabaseEvent]>([])
        let token = ours.addEventListener { event in events.withLock { $0.append(event) } }
        let watch = ours.watchOtherProcesses()
        func until(_ event: DatabaseEvent) async throws {
            for _ in 0..<2_000 where !events.withLock({ $0.contains(event) }) {
                try await Task.sleep(for: .milliseconds(5))
            }
            #expect(events.withLock { $0.contains(event) })
        }
        _ = try ours.create("mine")
        _ = try others.create("theirs")
        try await until(DatabaseEvent(kind: .created, name: "theirs"))
        _ = try await others.delete("theirs")
        try await until(DatabaseEvent(kind: .deleted, name: "theirs"))
        #expect(events.withLock { events in events.count { $0.name == "mine" } } == 1)
        ours.unwatchOtherProcesses(watch)
        ours.removeEventListener(token)
    }

    @Test("Listeners hear of creation, updates and deletion")
    func events() async throws {
        let folder = try folder()
        let (stream, continuation) = AsyncStream<DatabaseEvent>.makeStream()
        let token = folder.addEventListener { continuation.yield($0) }
        let database = try folder.create("a")
        let edit = try DocumentEdit(
            id: "x",
            kind: .interactive(parent: nil),
            document: IncomingDocument(parsing: Array("{}".utf8))
        )
        _ = try await database.perform(.edits([edit]))
        _ = try await folder.delete("a")
        var events = stream.makeAsyncIterator()
        #expect(await events.next() == DatabaseEvent(kind: .created, name: "a"))
        #expect(await events.next() == DatabaseEvent(kind: .updated, name: "a"))
        #expect(await events.next() == DatabaseEvent(kind: .deleted, name: "a"))
        folder.removeEventListener(token)
    }
}
