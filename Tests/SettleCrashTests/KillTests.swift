// A server is killed in the midst of its work, again and again. The operating system lives on, so everything that was
// handed to it survives; what is tested is that the database opens again, is consistent, and that nothing was
// acknowledged before it had been handed over. What a power failure leaves is another matter: see `PowerLossTests`.

import Foundation
import Settle
import SettleCore
import SettleTestSupport
import Testing

@Suite("A killed server", .serialized)
struct KillTests {
    @Test("keeps every acknowledged write and stays consistent, fifty times over", .timeLimit(.minutes(10)))
    func killedFiftyTimes() async throws {
        let folder = TemporaryDirectory()
        var acknowledged: WriteStream.Acknowledged = [:]
        var delays = SeededGenerator(seed: 50)
        for round in 0..<50 {
            let server = try ServerProcess(folder: folder.path)
            if round == 0 {
                let created = try await server.endpoint.send(
                    HTTPRequest("PUT", "/kill", headers: [administrator])
                )
                #expect(created.status == 201)
            }
            let stream = WriteStream(endpoint: server.endpoint, database: "kill", prefix: "\(round)")
            async let written = stream.run(connections: 4)
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...200, using: &delays)))
            server.kill()
            acknowledged.merge(await written) { $1 }
            if round % 10 == 9 { try verify(folder.path, acknowledged) }
        }
        #expect(acknowledged.count > 50)
        let check = try runSettle(["check", "kill", "--data", folder.path])
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    /// How often a server is killed amid uploads: `SETTLE_KILLS` says, for a longer run.
    private static let kills = ProcessInfo.processInfo.environment["SETTLE_KILLS"].flatMap { Int($0) } ?? 8

    @Test(
        "leaves no document without its attachments, and no attachment without a document",
        .timeLimit(.minutes(10))
    )
    func attachments() async throws {
        let folder = TemporaryDirectory()
        var acknowledged: WriteStream.Acknowledged = [:]
        var delays = SeededGenerator(seed: 51)
        for round in 0..<Self.kills {
            let server = try ServerProcess(folder: folder.path)
            if round == 0 {
                let created = try await server.endpoint.send(
                    HTTPRequest("PUT", "/kill", headers: [administrator])
                )
                #expect(created.status == 201)
            }
            let stream = AttachmentStream(endpoint: server.endpoint, database: "kill", prefix: "\(round)")
            async let done = stream.run(connections: 4)
            try await Task.sleep(for: .milliseconds(Int.random(in: 30...250, using: &delays)))
            server.kill()
            acknowledged.merge(await done) { $1 }
            if round % 4 == 3 || round == Self.kills - 1 {
                try verify(folder.path, acknowledged)
                try await verifyFiles(folder.path)
            }
        }
        #expect(acknowledged.count > Self.kills)
        let check = try runSettle(["check", "kill", "--data", folder.path])
        #expect(check.status == 0, "\(check.output)\(check.errors)")
    }

    /// After a collection there are the files that documents need, and no other.
    private func verifyFiles(_ folder: String) async throws {
        let database = try Database.open(at: "\(folder)/kill.settle")
        try await database.compact()
        // The collection of what a killed process left comes with a write.
        try await database.put([:], at: "after")
        _ = try await database.delete("after", #require(try database.document("after")).revision)
        try await database.compact()
        let needed = try database.largeAttachments()
        let path = "\(folder)/kill.settle/attachments"
        var files: [String] = []
        for _ in 0..<1000 {
            files = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
            // Files go after the commit that dropped them has been answered.
            if files.count == needed { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(files.count == needed, "\(files.sorted())")
        #expect(try database.check() == [])
    }

    /// Every acknowledged revision is in the database, as the winner or as an ancestor of one that came later.
    private func verify(_ folder: String, _ acknowledged: WriteStream.Acknowledged) throws {
        let database = try Database.open(at: "\(folder)/kill.settle")
        #expect(try database.check() == [])
        let lost = try acknowledgedWrites(acknowledged, missingFrom: database)
        #expect(lost == [])
    }
}

/// The acknowledged writes that a database does not have.
func acknowledgedWrites(
    _ acknowledged: WriteStream.Acknowledged,
    missingFrom database: Database
) throws -> [String] {
    try database.read { snapshot in
        try acknowledged.filter { id, revision in
            guard let record = try snapshot.document(DocumentID(id)), let revision = RevisionID(revision)
            else {
                return true
            }
            return try snapshot.tree(of: record).index(of: revision) == nil
        }.map { "\($0.key) \($0.value)" }.sorted()
    }
}

extension Database {
    /// How many different contents are too large to lie in the database, over all leaves.
    fileprivate func largeAttachments() throws -> Int {
        try read { snapshot in
            var blobs: Set<BlobKey> = []
            var cursor = try snapshot.documentCursor()
            var found = try cursor.first()
            while found {
                if let record = try snapshot.document(cursor.id) {
                    let tree = try snapshot.tree(of: record)
                    for leaf in tree.leaves {
                        for attachment in try snapshot.attachments(of: tree.nodes[leaf])
                        where attachment.storedLength > 128 << 10 {
                            blobs.insert(attachment.blob)
                        }
                    }
                }
                found = try cursor.next()
            }
            return blobs.count
        }
    }
}
