import Settle
import SettleTestSupport
import Testing

@Suite("The embedded store")
struct EmbeddedTests {
    let directory = TemporaryDirectory()

    private func open() throws -> Database {
        try Database.open(
            at: "\(directory.path)/notes.settle",
            creating: true,
            options: StoreOptions(syncsCommits: false)
        )
    }

    @Test("Documents are written, read, replaced and deleted")
    func life() async throws {
        let notes = try open()
        let first = try await notes.put(["title": "Milk", "done": false], at: "shopping")
        #expect(try notes.document("shopping")?["title"] == "Milk")
        let second = try await notes.put(["title": "Milk", "done": true], at: "shopping", replacing: first)
        #expect(try notes.document("shopping")?.revision == second)
        #expect(try notes.document("shopping", revision: first)?["done"] == false)
        await #expect(throws: SettleError(.conflict)) {
            try await notes.put(["title": "Bread"], at: "shopping", replacing: first)
        }
        try await notes.delete("shopping", second)
        #expect(try notes.document("shopping") == nil)
    }

    @Test("Reserved names and ids are refused")
    func reserved() async throws {
        let notes = try open()
        let member = await #expect(throws: SettleError.self) { try await notes.put(["_x": 1], at: "a") }
        #expect(member?.kind == .documentValidation)
        let id = await #expect(throws: SettleError.self) { try await notes.put([:], at: "_a") }
        #expect(id?.kind == .illegalDocumentID)
    }

    @Test("Ranges are read in order of id, without deleted documents")
    func ranges() async throws {
        let notes = try open()
        for id in ["b", "a", "d", "c"] { try await notes.put(["id": .string(id)], at: DocumentID(id)) }
        let gone = try #require(try notes.document("c"))
        try await notes.delete("c", gone.revision)
        #expect(try notes.documents().map(\.id) == ["a", "b", "d"])
        #expect(try notes.documents(from: "b", to: "d").map(\.id) == ["b"])
        #expect(try notes.documents(limit: 2).map { $0["id"] } == ["a", "b"])
    }

    @Test("A follower hears of what was there, of what comes, and can go on later")
    func following() async throws {
        let notes = try open()
        try await notes.put([:], at: "a")
        var changes = notes.changes().makeAsyncIterator()
        #expect(try await changes.next()?.id == "a")
        let later = Task {
            var changes = notes.changes(after: "1").makeAsyncIterator()
            return try await changes.next()?.id
        }
        try await notes.put([:], at: "b")
        let change = try await changes.next()
        #expect(change?.id == "b")
        #expect(try await later.value == "b")
        var rest = notes.changes(after: change?.position ?? "", following: false).makeAsyncIterator()
        #expect(try await rest.next() == nil)
    }

    @Test("A follower ends when its task is cancelled")
    func cancelling() async throws {
        let notes = try open()
        let task = Task {
            var count = 0
            for try await _ in notes.changes() { count += 1 }
            return count
        }
        try await notes.put([:], at: "a")
        task.cancel()
        #expect(try await task.value <= 1)
    }
}
