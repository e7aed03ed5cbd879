import Settle
import SettleCore
import SettleServer
import SettleTestSupport
import Testing

@testable import SettleReplication

/// An engine that knows two functions: a filter that compares `type` with `req.query.type`, and a view of prices.
private final class TwoFunctions: FunctionEngine {
    func answer(_ request: [UInt8], of program: FunctionProgram, limits: FunctionLimits) throws(SettleError)
        -> [UInt8]
    {
        guard let question = try? JSONValue(parsing: request) else { throw SettleError(.internalError) }
        let documents = question[2]?.array ?? []
        switch (question[0]?.string, question[1]?.string) {
        case ("filter", "type"):
            let type = question[3]?["query"]?["type"]
            return JSONValue.array(documents.map { .bool($0["type"] == type) }).bytes
        case ("compile", _): return Array("true".utf8)
        case ("viewFilter", "priced"):
            return JSONValue.array(documents.map { .bool($0["price"] != nil) }).bytes
        default:
            let error: JSONValue = ["error": "compilation_error", "reason": "not here"]
            return error.bytes
        }
    }

    func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8] {
        try answer(request, of: program, limits: limits)
    }
}

@Suite("Filters that are functions of a design document")
struct FilterFunctionTests {
    private func withDatabase(_ body: (DatabaseFolder, Database, _ url: String) async throws -> Void)
        async throws
    {
        let directory = TemporaryDirectory()
        var options = StoreOptions(syncsCommits: false)
        options.functionEngine = TwoFunctions()
        let folder = try DatabaseFolder(path: directory.path, options: options)
        var configuration = ServerConfiguration(folder: directory.path)
        configuration.port = 0
        let server = try SettleServer(configuration: configuration, folder: folder)
        let port = try await server.start()
        let database = try folder.create("a")
        try await database.put(
            "_design/f",
            ["filters": ["type": "…", "broken": "("], "views": ["priced": ["map": "…"]]]
        )
        for number in 0..<600 {
            let members: JSONObject = number % 2 == 0 ? ["type": "fruit"] : ["type": "tool", "price": 1]
            try await database.put("d\(number)", members)
        }
        do {
            try await body(folder, database, "http://127.0.0.1:\(port)/a")
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
    }

    private func get(_ url: String) async throws -> (status: Int, json: JSONValue) {
        let remote = try #require(RemoteEndpoint(url: url))
        let path = String(url.dropFirst("http://\(remote.host):\(remote.port ?? 0)".count))
        let endpoint = HTTPEndpoint(port: try #require(remote.port))
        let answer = try await endpoint.send(HTTPRequest("GET", path))
        return (answer.status, try JSONValue(parsing: try answer.decoded().body))
    }

    @Test("let through what they accept, in every batch of a long feed")
    func feed() async throws {
        try await withDatabase { _, _, url in
            let fruit = try await get("\(url)/_changes?filter=f/type&type=fruit")
            #expect(fruit.json["results"]?.array?.count == 300)
            #expect(fruit.json["pending"] == 0)
            let few = try await get("\(url)/_changes?filter=f/type&type=tool&limit=280&descending=true")
            #expect(few.json["results"]?.array?.count == 280)
            #expect(few.json["results"]?[0]?["id"] == "d599")
            let priced = try await get("\(url)/_changes?filter=_view&view=f/priced")
            #expect(priced.json["results"]?.array?.count == 300)
            let broken = try await get("\(url)/_changes?filter=f/broken")
            #expect(broken.status == 500)
            #expect(broken.json["error"] == "compilation_error")
            #expect(try await get("\(url)/_changes?filter=f/none").status == 404)
        }
    }

    @Test("narrow a replication from a database here and from a URL alike")
    func replication() async throws {
        try await withDatabase { folder, source, url in
            for (number, side) in [Replication.Side.database(source), .url(url)].enumerated() {
                let target = try folder.create("target\(number)")
                let selection = ReplicationOptions.Selection.filter(
                    name: "f/type",
                    parameters: ["type": "fruit"]
                )
                let result = try await Replication(from: side, to: .database(target)) { options in
                    options.selection = selection
                    options.batchSize = 50
                }.run()
                #expect(result.statistics.documentsWritten == 300)
                let prices = try folder.create("prices\(number)")
                _ = try await Replication(from: side, to: .database(prices)) { options in
                    options.selection = .filter(name: "_view", parameters: ["view": "f/priced"])
                }.run()
                #expect(try prices.contents().count == 300)
            }
        }
    }
}
