// A stream of writes to a server that may end at any moment, and what of it was acknowledged.

import SettleCore
import SettleTestSupport
import Synchronization

/// The authorisation of the administrator that `ServerProcess` sets up.
let administrator = (name: "Authorization", value: "Basic YWRtaW46YWRtaW5wdw==")

/// Writes documents over several connections at once until something stops it.
///
/// Connection `c` writes `c-0`, `c-1`, … and changes every third of them again, so that both new documents and new
/// revisions of old ones are under way when the end comes.
struct WriteStream: Sendable {
    let endpoint: HTTPEndpoint
    let database: String
    /// Sets the ids of one stream apart from those of another.
    let prefix: String

    /// The revision last acknowledged of each document.
    typealias Acknowledged = [String: String]

    /// Writes until the server stops answering or `limit` documents per connection are written.
    func run(connections: Int, limit: Int = .max) async -> Acknowledged {
        await withTaskGroup(of: Acknowledged.self) { group in
            for connection in 0..<connections {
                group.addTask { await write(connection, limit) }
            }
            return await group.reduce(into: [:]) { $0.merge($1) { $1 } }
        }
    }

    private func write(_ connection: Int, _ limit: Int) async -> Acknowledged {
        var acknowledged: Acknowledged = [:]
        for number in 0..<limit {
            let id = "\(prefix)-\(connection)-\(number)"
            guard let first = await put(id, number, over: nil) else { return acknowledged }
            acknowledged[id] = first
            guard number % 3 == 0 else { continue }
            guard let second = await put(id, number + 1, over: first) else { return acknowledged }
            acknowledged[id] = second
        }
        return acknowledged
    }

    /// The new revision, once the server has acknowledged it.
    private func put(_ id: String, _ number: Int, over revision: String?) async -> String? {
        let filling = String(repeating: "settle ", count: number % 97)
        let rev = revision.map { "\"_rev\":\"\($0)\"," } ?? ""
        let request = HTTPRequest(
            "PUT",
            "/\(database)/\(id)",
            headers: [administrator, (name: "Content-Type", value: "application/json")],
            body: Array("{\(rev)\"number\":\(number),\"text\":\"\(filling)\"}".utf8)
        )
        guard let answer = try? await endpoint.send(request), answer.status == 201 else { return nil }
        return (try? JSONValue(parsing: answer.body))?["rev"]?.string
    }
}
