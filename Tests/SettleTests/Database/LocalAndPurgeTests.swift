import SettleCore
import Testing

@testable import Settle

@Suite("Local documents")
struct LocalDocumentTests {
    @Test("Their revision is the one sent plus one, without a conflict check")
    func counters() throws {
        let test = try TestDatabase()
        func put(_ revision: UInt64?) throws -> WriteResult {
            try test.database.performBlocking(
                .local("_local/a", body: Array(#"{"v":1}"#.utf8), revision: revision)
            )
        }
        guard case .local(1) = try put(nil), case .local(42) = try put(41), case .local(1) = try put(nil)
        else {
            Issue.record("a counter is off")
            return
        }
        #expect(try test.changes() == [])
        #expect(try test.ids() == [])
        guard
            case .local(0) = try test.database.performBlocking(.local("_local/a", body: nil, revision: nil)),
            case .localMissing = try test.database.performBlocking(
                .local("_local/a", body: nil, revision: nil)
            )
        else {
            Issue.record("a deletion is off")
            return
        }
    }
}

@Suite("Purge")
struct PurgeTests {
    @Test("Only leaves are purged, with the ancestors that only they had")
    func leavesOnly() throws {
        let test = try TestDatabase()
        try test.replicate("t", ["3-c", "2-b", "1-a"], #"{"n":3}"#)
        try test.replicate("t", ["2-x", "1-a"], #"{"n":2}"#)
        func purge(_ revisions: [String]) throws -> [String] {
            let request = WriteRequest.purge([("t", revisions.compactMap { RevisionID($0) })])
            guard case .purged(let purged, _) = try test.database.performBlocking(request) else { return [] }
            return purged[0].1.map(\.text)
        }
        #expect(try purge(["1-a"]) == [])
        #expect(try purge(["3-c"]) == ["3-c"])
        #expect(
            try test.get("t", [.revisions, .conflicts])
                == #"{"_id":"t","_rev":"2-x","n":2,"_revisions":{"start":2,"ids":["x","a"]}}"#
        )
        #expect(try test.database.check() == [])
        #expect(try purge(["2-x"]) == ["2-x"])
        #expect(try test.database.read { try $0.document("t") == nil })
        #expect(try test.changes() == [])
        #expect(try test.database.read { try $0.purges(after: 0).map(\.id) } == ["t", "t"])
        #expect(try test.database.check() == [])
    }

    @Test("Only so many purges are remembered")
    func limit() throws {
        let test = try TestDatabase()
        _ = try test.database.performBlocking(.purgedInfosLimit(5))
        for index in 0..<9 {
            try test.replicate("a", ["1-r\(index)"])
            let revision = try #require(RevisionID("1-r\(index)"))
            _ = try test.database.performBlocking(.purge([("a", [revision])]))
        }
        #expect(try test.database.read { try $0.purges(after: 0).map(\.sequence) } == [5, 6, 7, 8, 9])
    }
}
