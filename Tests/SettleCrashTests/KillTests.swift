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
