import Settle
import SettleCore
import Testing

@testable import SettleReplication

@Suite("A replication between peers that fail")
struct FaultyReplicationTests {
    @Test("copies everything in the end, however often it has to start again", arguments: UInt64(1)...6)
    func everything(seed: UInt64) async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for number in 0..<60 { try await source.put("d\(number)", ["n": .number(JSONNumber(number))]) }
        var runs = 0
        var isDone = false
        while !isDone, runs < 100 {
            runs += 1
            let attempt = UInt64(runs) << 8 | seed
            let result = try? await databases.replicate(
                "a",
                "b",
                wrapping: { FaultyPeer($0, seed: attempt, odds: 12) },
                configure: { options in
                    options.batchSize = 7
                    options.retries = 1
                }
            )
            isDone = result != nil
        }
        #expect(isDone, "seed \(seed)")
        #expect(try target.contents() == source.contents(), "seed \(seed), \(runs) runs")
        #expect(try await databases.replicate("a", "b").answer["no_changes"] == true, "seed \(seed)")
    }

    @Test("lists the documents a target refuses and copies the others")
    func refusals() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        let target = try databases.create("b")
        for number in 0..<10 { try await source.put("d\(number)", [:]) }
        let result = try await databases.replicate(
            "a",
            "b",
            wrapping: { PickyPeer($0, refused: ["d3", "d7"]) }
        )
        #expect(result.failures.map(\.id).sorted() == ["d3", "d7"])
        #expect(result.statistics.documentWriteFailures == 2)
        #expect(result.answer["history"]?[0]?["docs_written"] == 8)
        #expect(try target.contents().count == 8)
    }

    @Test("a continuous one survives the loss of its target")
    func survives() async throws {
        let databases = try Databases()
        let source = try databases.create("a")
        try await source.put("x", [:])
        var options = ReplicationOptions(source: .local(name: "a"), target: .local(name: "late"))
        options.isContinuous = true
        let replication = Replication(
            options,
            source: LocalPeer(source),
            target: LocalPeer(databases.folder, name: "late"),
            serverUUID: "u"
        )
        let run = Task { try await replication.run() }
        for await status in replication.statuses() {
            if status.state == .crashing, try databases.folder.open("late") == nil {
                #expect(status.error == SettleError(.databaseNotFound, "could not open late"))
                _ = try databases.create("late")
            }
            if status.state == .idle, status.statistics.documentsWritten == 1 { break }
        }
        replication.stop()
        _ = try await run.value
        #expect(try databases.folder.open("late")?.contents().count == 1)
    }
}

/// A peer that refuses some documents: a batch with one of them as a whole, and one of them alone.
private struct PickyPeer: ForwardingPeer {
    let peer: any Peer
    let refused: Set<DocumentID>

    init(_ peer: any Peer, refused: Set<DocumentID>) {
        self.peer = peer
        self.refused = refused
    }

    func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        guard !documents.contains(where: { refused.contains($0.id) }) else {
            throw PeerFailure(.status(413), name: "document_too_large", reason: "by the test")
        }
        return try await peer.write(documents)
    }
}
