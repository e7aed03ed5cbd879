#if JavaScript
// A server is killed while it builds indexes and brings them up to date. What its views say afterwards must be what their
// documents say: an index goes on from its last commit, or is built anew, and nobody can tell.

import SettleCore
import SettleTestSupport
import Testing

@Suite("A server killed while it indexes", .serialized)
struct ViewKillTests {
    private let folder = TemporaryDirectory()

    private func send(
        _ method: String,
        _ path: String,
        _ body: String? = nil,
        to server: HTTPEndpoint
    ) async throws -> JSONValue? {
        let headers = [administrator, (name: "Content-Type", value: "application/json")]
        let request = HTTPRequest(method, path, headers: headers, body: body.map { Array($0.utf8) })
        guard let answer = try? await server.send(request) else { return nil }
        return try? JSONValue(parsing: answer.body)
    }

    /// A design document whose index nothing else shares.
    private func design(_ round: Int) -> String {
        #"""
        {"views":{"sum":{"map":"function (doc) { if (doc.number) { emit(doc.number % 10, doc.number) } } // \#(round)",
        "reduce":"_sum"},"ids":{"map":"function (doc) { emit(doc._id, null) }"}}}
        """#
    }

    @Test("answers from its views what its documents say, twelve times over", .timeLimit(.minutes(5)))
    func killedTwelveTimes() async throws {
        var delays = SeededGenerator(seed: 12)
        for round in 0..<12 {
            let server = try ServerProcess(folder: folder.path)
            if round == 0 { try await fill(server.endpoint) }
            _ = try await send("PUT", "/kill/_design/d\(round)", design(round), to: server.endpoint)
            let stream = WriteStream(endpoint: server.endpoint, database: "kill", prefix: "\(round)")
            async let written = stream.run(connections: 2)
            let endpoint = server.endpoint
            async let asked: Void = ask([0, round], endpoint)
            try await Task.sleep(for: .milliseconds(Int.random(in: 20...400, using: &delays)))
            server.kill()
            _ = await written
            await asked
            guard round % 4 == 3 else { continue }
            let next = try ServerProcess(folder: folder.path)
            try await verify([0, round - 1, round], next.endpoint)
            next.kill()
        }
    }

    private func fill(_ server: HTTPEndpoint) async throws {
        _ = try await send("PUT", "/kill", to: server)
        for batch in 0..<5 {
            let documents = (0..<1000).map { #"{"_id":"f\#(batch * 1000 + $0)","number":\#($0 + 1)}"# }
            let body = "{\"docs\":[\(documents.joined(separator: ","))]}"
            let answer = try await send("POST", "/kill/_bulk_docs", body, to: server)
            #expect(answer?.array?.count == 1000)
        }
    }

    /// Asks for views, over and over, until the server is gone.
    private func ask(_ designs: [Int], _ endpoint: HTTPEndpoint) async {
        while true {
            for design in designs {
                let request = HTTPRequest(
                    "GET",
                    "/kill/_design/d\(design)/_view/sum",
                    headers: [administrator]
                )
                guard (try? await endpoint.send(request)) != nil else { return }
            }
        }
    }

    private func verify(_ designs: [Int], _ server: HTTPEndpoint) async throws {
        let all = try await send("GET", "/kill/_all_docs?include_docs=true", to: server)
        let documents = (all?["rows"]?.array ?? []).compactMap { $0["doc"] }
            .filter { $0["_id"]?.string?.hasPrefix("_design/") == false }
        #expect(documents.count > 5000)
        let ids = documents.compactMap { $0["_id"]?.string }.sorted()
        var sums: [Int: Int] = [:]
        for number in documents.compactMap({ $0["number"]?.int }) where number != 0 {
            sums[number % 10, default: 0] += number
        }
        for design in designs {
            let path = "/kill/_design/d\(design)/_view"
            let shown = try await send("GET", "\(path)/ids", to: server)
            #expect((shown?["rows"]?.array ?? []).compactMap { $0["id"]?.string }.sorted() == ids)
            let groups = try await send("GET", "\(path)/sum?group=true", to: server)
            var found: [Int: Int] = [:]
            for row in groups?["rows"]?.array ?? [] {
                if let key = row["key"]?.int, let value = row["value"]?.int { found[key] = value }
            }
            #expect(found == sums)
            let whole = try await send("GET", "\(path)/sum", to: server)
            #expect(whole?["rows"]?[0]?["value"]?.int == sums.values.reduce(0, +))
        }
    }
}
#endif
