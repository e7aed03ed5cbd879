import Logging
import Settle
import SettleCore
import SettleServer
import SettleTestSupport

/// A server on a free port, with a folder of its own that goes away with it.
struct TestServer {
    let port: Int
    let server: SettleServer

    /// Runs a test against a server and shuts it down afterwards.
    static func run(
        _ change: (inout ServerConfiguration) -> Void = { _ in },
        functions: (any FunctionEngine)? = nil,
        _ body: (TestServer) async throws -> Void
    ) async throws {
        let directory = TemporaryDirectory()
        var configuration = ServerConfiguration(folder: directory.path)
        configuration.port = 0
        configuration.eventLoopThreads = 2
        change(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var options = StoreOptions()
        options.functionEngine = functions
        let folder = try DatabaseFolder(path: configuration.folder, options: options)
        let server = try SettleServer(configuration: configuration, folder: folder, logger: logger)
        let port = try await server.start()
        do {
            try await body(TestServer(port: port, server: server))
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
        withExtendedLifetime(directory) {}
    }

    /// A new connection.
    func connect() async throws -> TestConnection {
        try await TestConnection(port: port)
    }

    /// One request on a connection of its own.
    func send(
        _ method: String,
        _ target: String,
        _ body: String = "",
        headers: [(String, String)] = []
    ) async throws -> TestResponse {
        let connection = try await connect()
        let response = try await connection.exchange(method, target, body, headers: headers)
        await connection.close()
        return response
    }
}

/// A response as it came over the wire.
struct TestResponse {
    let status: Int
    let headers: [String: String]
    let body: String

    /// The body as JSON.
    var json: JSONValue {
        get throws { try JSONValue(parsing: Array(body.utf8)) }
    }
}
