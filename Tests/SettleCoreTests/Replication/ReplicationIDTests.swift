import Testing

@testable import SettleCore

@Suite("A replication's name")
struct ReplicationIDTests {
    private let uuid = "0123456789abcdef0123456789abcdef"

    private func endpoint(_ url: String) throws -> ReplicationEndpoint {
        .remote(try #require(RemoteEndpoint(url: url)))
    }

    @Test("is CouchDB's, for the same ends and the same server")
    func matchesCouchDB() throws {
        let source = try endpoint("http://src.example/db1")
        let target = try endpoint("http://bob:x@tgt.example:5985/db2")
        func base(_ narrowing: [ErlangValue]) -> String {
            ReplicationID(serverUUID: uuid, source: source, target: target, narrowing: narrowing).base
        }
        #expect(base([]) == "a16846836314c06aacaf8256fd2cdd81")
        #expect(base([.list([.binary("a"), .binary("b")])]) == "3847bacc1ec7c0a35d747ca29db13c07")
        #expect(base([.binary("winning_revs_only")]) == "d11bc088240231d5e99fe1a70d6b9d2b")
    }

    @Test("does not depend on password, scheme or the scheme's own port")
    func leavesOut() throws {
        func base(_ target: String) throws -> String {
            let source = try endpoint("http://src.example/db1")
            return ReplicationID(serverUUID: uuid, source: source, target: try endpoint(target)).base
        }
        let expected = try base("http://bob:x@tgt.example/db2")
        #expect(try base("https://bob:other@tgt.example:443/db2/") == expected)
        #expect(try base("http://bob:x@tgt.example:5984/db2") == expected)
        #expect(try base("http://tgt.example/db2") != expected)
        #expect(try base("http://bob:x@tgt.example:5985/db2") != expected)
    }

    @Test("shows what is put behind it")
    func suffix() {
        let id = ReplicationID(
            serverUUID: uuid,
            source: .local(name: "a"),
            target: .local(name: "b"),
            suffix: "+continuous"
        )
        #expect(id.text == id.base + "+continuous")
        #expect(id.base.utf8.count == 32)
    }
}
