import Logging
import Settle
import SettleCore
import SettleJavaScript
import SettleServer
import SettleTestSupport

/// A server in this process, which runs design documents' functions in it too, on a port of its own, with a folder that
/// is kept when `SETTLE_TEST_DATA` asks for it.
enum TestServer {
    #if JavaScript
    private static let engine: (any FunctionEngine)? = InProcessEngine()
    #else
    private static let engine: (any FunctionEngine)? = nil
    #endif

    static func withServer(_ body: (HTTPEndpoint) async throws -> Void) async throws {
        let folder = TemporaryDirectory()
        var configuration = ServerConfiguration(folder: folder.path)
        configuration.port = 0
        configuration.administrator = .init(name: "admin", password: "adminpw")
        let quiet = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        var options = StoreOptions()
        options.functionEngine = engine
        let databases = try DatabaseFolder(path: folder.path, options: options)
        let server = try SettleServer(configuration: configuration, folder: databases, logger: quiet)
        let port = try await server.start()
        do {
            try await body(HTTPEndpoint(port: port))
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
    }
}
