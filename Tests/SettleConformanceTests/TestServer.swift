import Logging
import SettleServer
import SettleTestSupport

/// A server in this process, on a port of its own, with a folder that is kept when `SETTLE_TEST_DATA` asks for it.
enum TestServer {
    static func withServer(_ body: (HTTPEndpoint) async throws -> Void) async throws {
        let folder = TemporaryDirectory()
        var configuration = ServerConfiguration(folder: folder.path)
        configuration.port = 0
        configuration.administrator = .init(name: "admin", password: "adminpw")
        let quiet = Logger(label: "conformance") { _ in SwiftLogNoOpLogHandler() }
        let server = try SettleServer(configuration: configuration, logger: quiet)
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
