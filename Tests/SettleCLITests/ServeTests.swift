import Foundation
import SettleCore
import SettleTestSupport
import Testing

@Suite("settle serve")
struct ServeTests {
    private static let authorization = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

    @Test("serves what the command line wrote, beside it, and ends when asked")
    func sharesDatabases() async throws {
        let folder = TemporaryDirectory()
        let server = try ServerProcess(folder: folder.path)
        let load = try runSettle(["load", "notes", "-", "--data", folder.path], input: #"{"_id":"a","x":1}"#)
        #expect(load.status == 0, "\(load.errors)")
        let answer = try await server.endpoint.send(
            HTTPRequest("GET", "/notes/a", headers: [Self.authorization])
        )
        #expect(answer.status == 200)
        #expect(try JSONValue(parsing: answer.body)["x"] == 1)
        let put = HTTPRequest("PUT", "/notes/b", headers: [Self.authorization], body: Array("{}".utf8))
        #expect(try await server.endpoint.send(put).status == 201)
        #expect(
            try runSettle(["dump", "notes", "--data", folder.path]).output
                == "{\"_id\":\"a\",\"x\":1}\n{\"_id\":\"b\"}\n"
        )
        #expect(server.terminate() == 0)
    }

    @Test("replicates with the command line over HTTP, both ways")
    func replicates() async throws {
        let (here, there) = (TemporaryDirectory(), TemporaryDirectory())
        let server = try ServerProcess(folder: there.path)
        let url = "http://admin:adminpw@127.0.0.1:\(server.endpoint.port)/notes"
        let lines = (0..<300).map { #"{"_id":"d\#($0)","n":\#($0)}"# }.joined(separator: "\n")
        #expect(try runSettle(["load", "notes", "-", "--data", here.path], input: lines).status == 0)
        let push = try runSettle(["replicate", "notes", url, "--create-target", "--data", here.path])
        #expect(push.status == 0, "\(push.errors)")
        #expect(try runSettle(["diff", "notes", url, "--data", here.path]).status == 0)
        let pull = try runSettle(["replicate", url, "copy", "--create-target", "--data", here.path])
        #expect(pull.status == 0, "\(pull.errors)")
        #expect(try runSettle(["diff", "notes", "copy", "--data", here.path]).status == 0)
        #expect(server.terminate() == 0)
    }
}
