import SettleCore
import Testing

@testable import Settle

@Suite("Edits")
struct EditTests {
    let test: TestDatabase

    init() throws { test = try TestDatabase() }

    @Test("A document comes back with its id and revision in front and its members in order")
    func roundTrip() throws {
        let outcome = try test.put("a", #"{"z":1,"a":[1.0,"é"],"_id":"other"}"#)
        let revision = try #require(outcome.revision)
        #expect(try test.get("a") == #"{"_id":"a","_rev":"\#(revision)","z":1,"a":[1.0,"é"]}"#)
    }

    @Test("An empty document has CouchDB's revision of an empty document")
    func emptyDocument() throws {
        #expect(try test.put("a", "{}").revision?.text == "1-967a00dff5e02add41819138abb3284d")
        #expect(try test.get("a") == #"{"_id":"a","_rev":"1-967a00dff5e02add41819138abb3284d"}"#)
    }

    @Test("An edit must continue a leaf")
    func conflicts() throws {
        let first = try #require(try test.put("a", #"{"n":1}"#).revision)
        #expect(try test.put("a", #"{"n":2}"#).error?.kind == .conflict)
        let second = try #require(try test.put("a", #"{"n":2}"#, parent: first).revision)
        #expect(second.generation == 2)
        #expect(try test.put("a", #"{"n":3}"#, parent: first).error?.kind == .conflict)
        #expect(try test.put("b", #"{"n":3}"#, parent: first).error?.kind == .conflict)
    }

    @Test("A refused document leaves its neighbours alone, and the second of a pair conflicts")
    func mixedBatch() throws {
        let outcomes = try test.write([
            test.edit("c", "{}"), test.edit("a", #"{"n":1}"#), test.edit("a", #"{"n":2}"#),
        ])
        #expect(outcomes.map { $0.error?.kind } == [nil, nil, .conflict])
        #expect(try test.ids() == ["a", "c"])
    }

    @Test("The updates of a batch are numbered in order of id")
    func sequencesFollowIDs() throws {
        _ = try test.write([test.edit("c", "{}"), test.edit("a", "{}"), test.edit("b", "{}")])
        #expect(try test.changes().map { $0.split(separator: " ")[1] } == ["a", "b", "c"])
    }

    @Test("A deleted document comes back as the next revision of its tombstone, and only without a revision")
    func recreation() throws {
        let first = try #require(try test.put("a", #"{"life":1}"#).revision)
        let tombstone = try #require(try test.put("a", #"{"_deleted":true}"#, parent: first).revision)
        #expect(try test.get("a") == nil)
        #expect(try test.put("a", #"{"life":2}"#, parent: tombstone).error?.kind == .conflict)
        #expect(try test.put("a", #"{"_deleted":true}"#).error?.kind == .conflict)
        let again = try #require(try test.put("a", #"{"life":2}"#).revision)
        #expect(again.text == "3-e9664da9e2d2f7ffaf36297eab8ce020")
        #expect(
            try test.get("a", .revisions)?.hasSuffix(
                #""_revisions":{"start":3,"ids":["e9664da9e2d2f7ffaf36297eab8ce020","cdbe34ddccce6766a497e9ef3a8f5b1b","99623635f02a874b0e70dc1c08dff0e8"]}}"#
            ) == true
        )
    }

    @Test("A document beyond the size limit is refused by name")
    func tooLarge() throws {
        let test = try TestDatabase(options: StoreOptions(maximumDocumentSize: 100, syncsCommits: false))
        let text = "{\"x\":\"\(String(repeating: "y", count: 100))\"}"
        #expect(try test.put("big", text).error == SettleError(.documentTooLarge, "big"))
        #expect(try test.ids() == [])
    }

    @Test("Ids of any length keep their order", arguments: [1, 480, 481, 511, 512, 2_000, 100_000])
    func longIDs(length: Int) throws {
        let long = String(repeating: "k", count: length)
        _ = try test.write(["a", "b", ""].map { try test.edit(DocumentID(long + $0), "{}") })
        #expect(try test.ids() == [long, long + "a", long + "b"])
        #expect(try test.database.check() == [])
    }

    @Test("Replicated revisions join the tree in whatever order they come, and known ones change nothing")
    func replicated() throws {
        #expect(try test.replicate("a", ["3-c", "2-b", "1-a"], #"{"n":3}"#).revision?.text == "3-c")
        try test.replicate("a", ["2-x", "1-a"], #"{"n":2}"#)
        let before = try test.changes()
        try test.replicate("a", ["2-x", "1-a"], #"{"n":9}"#)
        #expect(try test.changes() == before)
        #expect(try test.get("a", .conflicts) == #"{"_id":"a","_rev":"3-c","n":3,"_conflicts":["2-x"]}"#)
        #expect(try test.get("a", revision: "2-b") == nil)
        #expect(try test.database.check() == [])
    }
}

@Suite("History")
struct HistoryTests {
    @Test("A document edited two thousand times knows its last thousand revisions, and stays small")
    func longLine() throws {
        let test = try TestDatabase()
        var revision: RevisionID?
        var all: [String] = []
        for index in 0..<2000 {
            let outcome = try test.put("a", #"{"n":\#(index)}"#, parent: revision)
            revision = outcome.revision
            all.append(try #require(revision?.text))
        }
        let text = try #require(try test.get("a", .revisions))
        let expected = all.suffix(1000).reversed().map { "\"\($0.split(separator: "-")[1])\"" }
        #expect(text.hasSuffix("\"ids\":[\(expected.joined(separator: ","))]}}"))
        let size = try test.database.read { try $0.document("a")?.encoded().count }
        #expect(try #require(size) < 300)
        #expect(try test.database.check() == [])
    }

    @Test("A branch that forks off deep in the history joins there")
    func deepFork() throws {
        let test = try TestDatabase()
        let line = (1...200).reversed().map { "\($0)-r\($0)" }
        for generation in 1...200 { try test.replicate("a", Array(line.suffix(generation))) }
        try test.replicate("a", ["51-fork"] + line.suffix(50))
        #expect(try test.get("a", .conflicts) == #"{"_id":"a","_rev":"200-r200","_conflicts":["51-fork"]}"#)
        let tree = try test.database.read { snapshot in
            try snapshot.document("a").map { try snapshot.tree(of: $0) }
        }
        #expect(tree?.nodes.count == 201)
        #expect(try test.database.check() == [])
        for generation in 201...300 {
            try test.replicate(
                "a",
                ["\(generation)-s", generation == 201 ? "200-r200" : "\(generation - 1)-s"]
            )
        }
        #expect(try test.database.check() == [])
    }

    @Test("A lower limit forgets the older revisions of a document at its next edit")
    func lowerLimit() throws {
        let test = try TestDatabase()
        let line = (1...100).reversed().map { "\($0)-r\($0)" }
        for generation in 1...100 { try test.replicate("a", Array(line.suffix(generation))) }
        _ = try test.database.performBlocking(.revisionsLimit(3))
        try test.replicate("a", ["101-x", "100-r100"])
        #expect(
            try test.get("a", .revisions)
                == #"{"_id":"a","_rev":"101-x","_revisions":{"start":101,"ids":["x","r100","r99"]}}"#
        )
        #expect(try test.database.check() == [])
    }
}
