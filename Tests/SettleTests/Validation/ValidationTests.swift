import SettleCore
import SettleTestSupport
import Synchronization
import Testing

@testable import Settle

@Suite("Validators")
struct ValidationTests {
    private func database(_ engine: FakeEngine?) throws -> TestDatabase {
        var options = StoreOptions(syncsCommits: false)
        options.functionEngine = engine
        return try TestDatabase(options: options)
    }

    @Test("A document is shown with its old revision, the user and the security object, and may be refused")
    func arguments() throws {
        let seen = Mutex<[String]>([])
        let engine = FakeEngine([
            "see": { question in
                let parts = [question.document, question.previous, question.userContext, question.security]
                seen.withLock { $0.append(parts.map(\.text).joined(separator: " ")) }
                return question.document["bad"] == nil ? nil : "it is bad"
            }
        ])
        let test = try database(engine)
        try test.put("_design/v", #"{"validate_doc_update":"see"}"#)
        let first = try #require(try test.put("a", #"{"n":1}"#).revision)
        let refused = try test.put("a", #"{"bad":true}"#, parent: first)
        #expect(refused.error == SettleError(.forbidden, "it is bad"))
        let context = WriteContext(name: "ann", roles: ["staff"])
        let tombstone = try test.edit("a", #"{"_deleted":true}"#, parent: first)
        guard case .edits(let outcomes) = try test.database.performBlocking(.edits([tombstone], by: context))
        else { return }
        #expect(outcomes[0].revision?.generation == 2)
        let old = #"{"_id":"a","_rev":"\#(first)""#
        let revisions = #""_revisions":{"start":1,"ids":["\#("\(first)".dropFirst(2))"]}}"#
        let usual = SecurityObject.usual
        #expect(
            seen.withLock { $0 } == [
                #"{"_id":"a","n":1} null {"db":"test","name":null,"roles":["_admin"]} "# + usual,
                "\(old),\"bad\":true,\(revisions) \(old),\"n\":1,\(revisions) "
                    + #"{"db":"test","name":null,"roles":["_admin"]} "# + usual,
                "\(old),\"_deleted\":true,\(revisions) \(old),\"n\":1,\(revisions) "
                    + #"{"db":"test","name":"ann","roles":["staff"]} "# + usual,
            ]
        )
    }

    @Test("Each document of a batch has a verdict of its own, and the engine is asked once")
    func batches() throws {
        let engine = FakeEngine(["even": { $0.document["n"]?.int.map { $0 % 2 == 0 } == true ? nil : "odd" }])
        let test = try database(engine)
        try test.put("_design/v", #"{"validate_doc_update":"even"}"#)
        let before = engine.requests.load(ordering: .relaxed)
        let outcomes = try test.write((0..<20).map { try test.edit(DocumentID("\($0)"), #"{"n":\#($0)}"#) })
        #expect(engine.requests.load(ordering: .relaxed) == before + 1)
        for (number, outcome) in outcomes.enumerated() {
            #expect(outcome.error?.reason == (number % 2 == 0 ? nil : "odd"))
        }
        #expect(try test.ids().count == 11)
    }

    @Test("Conflicts, known revisions and design documents are not shown to validators")
    func notShown() throws {
        let engine = FakeEngine(["no": { _ in "no" }])
        let test = try database(engine)
        let first = try #require(try test.put("a", "{}").revision)
        try test.put("_design/v", #"{"validate_doc_update":"no"}"#)
        #expect(try test.put("a", #"{"n":1}"#).error?.kind == .conflict)
        #expect(try test.put("new", "{}", parent: first).error?.kind == .conflict)
        #expect(try test.replicate("a", ["\(first)"]).revision == first)
        #expect(try test.put("_design/w", #"{"validate_doc_update":"no"}"#).error == nil)
        #expect(try test.put("a", "{}", parent: first).error?.kind == .forbidden)
    }

    @Test("A replicated revision is compared with its nearest stored ancestor")
    func replicated() throws {
        let engine = FakeEngine(["old": { $0.previous["_rev"]?.string ?? "nothing" }])
        let test = try database(engine)
        try test.replicate("a", ["2-bb", "1-aa"], #"{"n":2}"#)
        try test.put("_design/v", #"{"validate_doc_update":"old"}"#)
        #expect(try test.replicate("a", ["4-dd", "3-cc", "2-bb", "1-aa"]).error?.reason == "2-bb")
        #expect(try test.replicate("a", ["3-ee", "2-ff"]).error?.reason == "nothing")
        #expect(try test.replicate("b", ["1-aa"]).error?.reason == "nothing")
    }

    @Test("Who is no administrator can't write design documents; ill-formed ones nobody can")
    func designDocuments() throws {
        let test = try database(nil)
        let edit = try test.edit("_design/v", "{}")
        let context = WriteContext(name: "ann", roles: [])
        guard case .edits(let outcomes) = try test.database.performBlocking(.edits([edit], by: context))
        else { return }
        #expect(outcomes[0].error == SettleError(.unauthorized, "You are not a db or server admin."))
        let refused = try test.put("_design/v", #"{"views":5}"#)
        #expect(refused.error?.name == "invalid_design_doc")
        #expect(try test.replicate("_design/v", ["1-a"], #"{"views":5}"#).error == refused.error)
        #expect(try test.put("_design/v", #"{"views":{}}"#).error == nil)
    }

    @Test("Without an engine, a database that has validators refuses writes, and says why")
    func noEngine() throws {
        let test = try database(nil)
        #expect(try test.put("a", "{}").error == nil)
        let design = try #require(
            try test.put("_design/v", #"{"validate_doc_update":"function(){}"}"#).revision
        )
        #expect(try test.put("b", "{}").error?.kind == .notImplemented)
        try test.put("_design/v", #"{"_deleted":true}"#, parent: design)
        #expect(try test.put("b", "{}").error == nil)
    }

    @Test("A database without validators asks nobody")
    func noValidators() throws {
        let engine = FakeEngine([:])
        let test = try database(engine)
        try test.put("_design/v", #"{"filters":{"f":"function(){}"}}"#)
        try test.put("a", "{}")
        #expect(engine.requests.load(ordering: .relaxed) == 0)
    }

    @Test("A validator that comes while a write is being looked at is asked too")
    func changedValidators() async throws {
        // The first validator adds a second one before it lets the document through.
        let later = Mutex<(@Sendable () -> Void)?>(nil)
        let engine = FakeEngine([
            "first": { _ in
                later.withLock { later in
                    defer { later = nil }
                    return later
                }?()
                return nil
            },
            "second": { _ in "the second says no" },
        ])
        let test = try database(engine)
        try test.put("_design/v", #"{"validate_doc_update":"first"}"#)
        later.withLock { later in
            later = { try? _ = test.put("_design/w", #"{"validate_doc_update":"second"}"#) }
        }
        #expect(try test.put("a", "{}").error?.reason == "the second says no")
        #expect(try test.get("a") == nil)
    }

    @Test("An ancestor that comes while a replicated write is being looked at is shown")
    func changedAncestor() throws {
        let later = Mutex<(@Sendable () -> Void)?>(nil)
        let seen = Mutex<[String]>([])
        let engine = FakeEngine([
            "v": { question in
                later.withLock { later in
                    defer { later = nil }
                    return later
                }?()
                seen.withLock { $0.append(question.previous["_rev"]?.string ?? "nothing") }
                return nil
            }
        ])
        let test = try database(engine)
        try test.put("_design/v", #"{"validate_doc_update":"v"}"#)
        later.withLock { later in
            later = { _ = try? test.replicate("a", ["2-bb", "1-aa"]) }
        }
        #expect(try test.replicate("a", ["3-cc", "2-bb", "1-aa"]).error == nil)
        #expect(seen.withLock { $0 } == ["nothing", "nothing", "2-bb"])
    }

    @Test(
        "Racing writers never break a rule about what a document was before",
        arguments: [1, 2] as [UInt64]
    )
    func race(seed: UInt64) async throws {
        // The rule: `n` grows by one with each revision, or the document begins with 0.
        let engine = FakeEngine([
            "count": { question in
                let n = question.document["n"]?.int ?? -1
                guard let old = question.previous["n"]?.int else { return n == 0 ? nil : "begin with 0" }
                return n == old + 1 ? nil : "count on from \(old)"
            }
        ])
        let test = try database(engine)
        try test.put("_design/v", #"{"validate_doc_update":"count"}"#)
        await withTaskGroup(of: Void.self) { group in
            for writer in 0..<4 {
                group.addTask {
                    var random = SeededGenerator(seed: seed &* 31 &+ UInt64(writer))
                    for _ in 0..<40 {
                        let id = DocumentID("d\(random.next() % 3)")
                        let known = try? test.database.document(id)
                        let n = (known?["n"]?.int ?? -1) + Int(random.next() % 3)
                        guard let edit = try? test.edit(id, #"{"n":\#(n)}"#, parent: known?.revision) else {
                            continue
                        }
                        _ = try? await test.database.perform(.edits([edit]))
                    }
                }
            }
        }
        for id in ["d0", "d1", "d2"] as [DocumentID] {
            let document = try #require(try test.database.document(id), "seed \(seed)")
            #expect(document["n"]?.int == Int(document.revision.generation) - 1, "seed \(seed)")
        }
    }
}
