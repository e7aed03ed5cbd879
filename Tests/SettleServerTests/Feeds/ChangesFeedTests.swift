import SettleCore
import SettleServer
import Testing

@Suite("Feeds over the wire")
struct ChangesFeedTests {
    private func waitingFeeds(_ server: TestServer) async throws -> Int {
        let statistics = try await server.send("GET", "/_node/_local/_stats/couchdb/httpd").json
        return statistics["clients_requesting_changes"]?["value"]?.int ?? -1
    }

    private func waitForFeeds(_ count: Int, _ server: TestServer) async throws {
        for _ in 0..<2000 {
            if try await waitingFeeds(server) == count { return }
            try await Task.sleep(for: .milliseconds(5))
        }
        #expect(try await waitingFeeds(server) == count)
    }

    @Test("a longpoll is woken by a write and ends with it")
    func longpoll() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send("GET /db/_changes?feed=longpoll&since=now HTTP/1.1\r\nHost: x\r\n\r\n")
            try await waitForFeeds(1, server)
            _ = try await server.send("PUT", "/db/a", "{}")
            let answer = try await connection.response().json
            #expect(answer["results"]?[0]?["id"]?.string == "a")
            #expect(answer["pending"]?.int == 0)
            #expect(try await connection.exchange("GET", "/").status == 200)
        }
    }

    @Test("a longpoll with nothing to say ends by its timeout")
    func timeout() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let response = try await server.send("GET", "/db/_changes?feed=longpoll&timeout=50")
            #expect(try response.json["results"]?.array?.isEmpty == true)
        }
    }

    @Test("a continuous feed sends each change as a line, and heartbeats between")
    func continuous() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send(
                "GET /db/_changes?feed=continuous&heartbeat=20 HTTP/1.1\r\nHost: x\r\n\r\n"
            )
            try await waitForFeeds(1, server)
            _ = try await server.send("PUT", "/db/a", "{}")
            try await connection.wait { connection.text.contains(#""id":"a""#) }
            _ = try await server.send("PUT", "/db/b", "{}")
            try await connection.wait { connection.text.contains(#""id":"b""#) }
            let beats = { connection.text.pieces(between: "1\r\n\n\r\n") }
            let before = beats()
            try await connection.wait { beats() > before + 2 }
        }
    }

    @Test("an event source names the sequence of each event")
    func eventSource() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/a", "{}")
            let response = try await server.send("GET", "/db/_changes?feed=eventsource&timeout=20")
            #expect(response.headers["content-type"] == "text/event-stream")
            #expect(response.body.hasPrefix("data: {\"seq\":\"1-"))
            #expect(response.body.contains("\nid: 1-"))
        }
    }

    @Test("many feeds on one database are all woken, and gone when their clients are")
    func manyFeeds() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            var connections: [TestConnection] = []
            for _ in 0..<30 {
                let connection = try await server.connect()
                try await connection.send("GET /db/_changes?feed=continuous HTTP/1.1\r\nHost: x\r\n\r\n")
                connections.append(connection)
            }
            try await waitForFeeds(30, server)
            _ = try await server.send("PUT", "/db/a", "{}")
            for connection in connections {
                try await connection.wait { connection.text.contains(#""id":"a""#) }
            }
            for connection in connections { await connection.close() }
            try await waitForFeeds(0, server)
        }
    }

    @Test("a feed ends when its database is deleted")
    func deletedDatabase() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            try await connection.send("GET /db/_changes?feed=continuous HTTP/1.1\r\nHost: x\r\n\r\n")
            try await waitForFeeds(1, server)
            #expect(try await server.send("DELETE", "/db").status == 200)
            #expect(try await connection.response().body.contains("last_seq"))
        }
    }

    @Test("a filter's silence does not put off the heartbeat")
    func filteredHeartbeat() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let connection = try await server.connect()
            let target = "/db/_changes?feed=continuous&heartbeat=60&filter=_doc_ids&doc_ids=%5B%22x%22%5D"
            try await connection.send("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n")
            try await waitForFeeds(1, server)
            var number = 0
            while connection.text.pieces(between: "1\r\n\n\r\n") < 4, number < 2000 {
                number += 1
                _ = try await server.send("PUT", "/db/other\(number)", "{}")
            }
            #expect(number < 2000)
            _ = try await server.send("PUT", "/db/x", "{}")
            try await connection.wait { connection.text.contains(#""id":"x""#) }
            #expect(!connection.text.contains("other"))
        }
    }

    @Test("shutting down ends feeds in an orderly way and returns")
    func shutdown() async throws {
        try await TestServer.run { server in
            _ = try await server.send("PUT", "/db")
            let feed = try await server.connect()
            try await feed.send("GET /db/_changes?feed=continuous HTTP/1.1\r\nHost: x\r\n\r\n")
            let idle = try await server.connect()
            _ = try await idle.exchange("GET", "/")
            try await waitForFeeds(1, server)
            await server.server.shutdown()
            #expect(try await feed.response().body.contains("last_seq"))
            try await idle.wait { idle.isClosed }
        }
    }

    @Test("what happens to databases is a feed of its own")
    func databaseUpdates() async throws {
        try await TestServer.run { server in
            let connection = try await server.connect()
            try await connection.send("GET /_db_updates?feed=continuous HTTP/1.1\r\nHost: x\r\n\r\n")
            try await connection.wait { connection.text.contains("200 OK") }
            _ = try await server.send("PUT", "/db")
            _ = try await server.send("PUT", "/db/a", "{}")
            _ = try await server.send("DELETE", "/db")
            for kind in ["created", "updated", "deleted"] {
                try await connection.wait { connection.text.contains(#""type":"\#(kind)""#) }
            }
            let all = try await server.send("GET", "/_db_updates").json
            let last = try #require(all["last_seq"]?.string)
            #expect(all["results"]?.array?.count == 3)
            let rest = try await server.send("GET", "/_db_updates?since=\(last)").json
            #expect(rest["results"]?.array?.isEmpty == true)
        }
    }
}
