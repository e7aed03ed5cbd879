#if JavaScript
import SettleJavaScript

extension TestServer {
    /// Runs a test against a server that has design documents' functions run in this process.
    static func runWithFunctions(_ body: (TestServer) async throws -> Void) async throws {
        try await run({ _ in }, functions: InProcessEngine(), body)
    }
}
#endif
