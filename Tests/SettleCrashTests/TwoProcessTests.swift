// Two processes on one database at once: a server writes without a break while this process compacts the file under it,
// deletes the database and makes it anew, and writes to it too.

import Foundation
import Settle
import SettleCore
import SettleTestSupport
import Testing

@Suite("Two processes on one database", .serialized)
struct TwoProcessTests {
    let folder = TemporaryDirectory()

    private func create(_ name: String, on server: ServerProcess) async throws {
        let answer = try await server.endpoint.send(HTTPRequest("PUT", "/\(name)", headers: [administrator]))
        #expect(answer.status == 201)
    }

    @Test("what one writes while the other compacts is all there", .timeLimit(.minutes(5)))
    func compaction() async throws {
        let server = try ServerProcess(folder: folder.path)
        try await create("busy", on: server)
        let stream = WriteStream(endpoint: server.endpoint, database: "busy", prefix: "w")
        async let written = stream.run(connections: 3, limit: 400)
        let database = try Database.open(at: "\(folder.path)/busy.settle")
        var generations = 0
        while try database.read({ try $0.info.documentCount }) < 1000 {
            try await database.compact()
            generations += 1
        }
        let acknowledged = await written
        #expect(acknowledged.count == 1200)
        #expect(generations > 1)
        #expect(try acknowledgedWrites(acknowledged, missingFrom: database) == [])
        #expect(try database.check() == [])
        #expect(server.terminate() == 0)
    }

    @Test("attachments come and go while the other compacts, and none is lost", .timeLimit(.minutes(5)))
    func attachments() async throws {
        let server = try ServerProcess(folder: folder.path)
        try await create("files", on: server)
        let stream = AttachmentStream(endpoint: server.endpoint, database: "files", prefix: "w")
        // One of the contents that come and go has a document that stays.
        let kept = [UInt8](repeating: 2, count: stream.sizes[2])
        let stored = try await server.endpoint.send(
            HTTPRequest(
                "PUT",
                "/files/kept/f",
                headers: [administrator, (name: "Content-Type", value: "image/png")],
                body: kept
            )
        )
        #expect(stored.status == 201)
        let path = "\(folder.path)/files.settle"
        let endpoint = server.endpoint
        let others = Task { try await disturb(path, endpoint, kept) }
        let acknowledged = await stream.run(connections: 3, limit: 150)
        others.cancel()
        let (compactions, answers) = try await others.value
        #expect(compactions > 1)
        #expect(answers.isSubset(of: [200, 404]))
        #expect(acknowledged.count == 9)
        let database = try Database.open(at: path)
        let lost = try acknowledgedWrites(acknowledged, missingFrom: database)
        #expect(lost == [], "\(lost)")
        #expect(server.terminate() == 0)
        let findings = try database.check()
        #expect(findings == [], "\(findings)")
    }

    /// Compacts and reads until it is cancelled, and twice at least; how often, and with what statuses.
    private func disturb(
        _ path: String,
        _ server: HTTPEndpoint,
        _ kept: [UInt8]
    ) async throws -> (Int, Set<Int>) {
        let database = try Database.open(at: path)
        var compactions = 0
        var answers: Set<Int> = []
        while !Task.isCancelled || compactions < 2 {
            try await database.compact()
            compactions += 1
            // Cancelled in the middle, a request has no answer.
            for name in ["f", "g"] {
                let request = HTTPRequest("GET", "/files/w-0-1/\(name)", headers: [administrator])
                if let answer = try? await server.send(request) { answers.insert(answer.status) }
            }
            let request = HTTPRequest("GET", "/files/kept/f", headers: [administrator])
            if let answer = try? await server.send(request) {
                #expect(answer.status == 200)
                #expect(answer.body == kept)
            }
        }
        return (compactions, answers)
    }

    @Test("both may write, and each sees what the other wrote", .timeLimit(.minutes(5)))
    func bothWrite() async throws {
        let server = try ServerProcess(folder: folder.path)
        try await create("shared", on: server)
        let database = try Database.open(at: "\(folder.path)/shared.settle")
        let stream = WriteStream(endpoint: server.endpoint, database: "shared", prefix: "theirs")
        async let theirs = stream.run(connections: 3, limit: 150)
        var ours: WriteStream.Acknowledged = [:]
        for number in 0..<150 {
            let id = "ours-\(number)"
            ours[id] = try await database.put(["number": .number(JSONNumber(number))], at: DocumentID(id))
                .text
        }
        let acknowledged = await theirs.merging(ours) { $1 }
        #expect(acknowledged.count == 600)
        #expect(try acknowledgedWrites(acknowledged, missingFrom: database) == [])
        #expect(try database.check() == [])
        for id in ["ours-0", "ours-149"] {
            let answer = try await server.endpoint.send(
                HTTPRequest("GET", "/shared/\(id)", headers: [administrator])
            )
            #expect(answer.status == 200)
        }
    }

    @Test("a feed hears what the other process wrote", .timeLimit(.minutes(1)))
    func feed() async throws {
        let server = try ServerProcess(folder: folder.path)
        try await create("heard", on: server)
        let database = try Database.open(at: "\(folder.path)/heard.settle")
        let request = HTTPRequest(
            "GET",
            "/heard/_changes?feed=longpoll&since=0&timeout=30000",
            headers: [administrator]
        )
        async let answer = server.endpoint.send(request)
        try await Task.sleep(for: .milliseconds(300))
        try await database.put([:], at: "word")
        #expect(String(decoding: try await answer.body, as: UTF8.self).contains(#""id":"word""#))
        var changes = database.changes(after: "1").makeAsyncIterator()
        async let next = changes.next()
        _ = try await server.endpoint.send(
            HTTPRequest("PUT", "/heard/back", headers: [administrator], body: Array("{}".utf8))
        )
        #expect(try await next?.id == "back")
    }

    @Test("a database deleted and made anew by one is a new one for the other", .timeLimit(.minutes(5)))
    func recreation() async throws {
        let server = try ServerProcess(folder: folder.path)
        try await create("phoenix", on: server)
        let here = try DatabaseFolder(path: folder.path)
        var acknowledged: WriteStream.Acknowledged = [:]
        for life in 0..<10 {
            let stream = WriteStream(endpoint: server.endpoint, database: "phoenix", prefix: "\(life)")
            async let written = stream.run(connections: 2, limit: 500)
            try await Task.sleep(for: .milliseconds(30))
            #expect(try await here.delete("phoenix"))
            // Writes to what was deleted are refused, never acknowledged and lost: the streams end here.
            _ = await written
            let fresh = try here.create("phoenix")
            #expect(try fresh.read { try $0.info.documentCount } == 0)
            acknowledged = await WriteStream(
                endpoint: server.endpoint,
                database: "phoenix",
                prefix: "new\(life)"
            )
            .run(connections: 2, limit: 5)
            #expect(acknowledged.count == 10)
            #expect(try acknowledgedWrites(acknowledged, missingFrom: fresh) == [])
            #expect(try fresh.check() == [])
        }
        #expect(server.terminate() == 0)
    }
}
