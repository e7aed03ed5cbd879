// A stream of uploads to a server that may end at any moment: attachments come, are replaced and go, so that both files on
// their way in and files on their way out are there when the end comes.

import SettleCore
import SettleTestSupport

/// Uploads and removes attachments over several connections at once until something stops it.
///
/// Each connection has documents of its own; the contents are few, so that documents of different connections share
/// them, and what one has just dropped another one may just bring back.
struct AttachmentStream: Sendable {
    let endpoint: HTTPEndpoint
    let database: String
    /// Sets the ids of one stream apart from those of another.
    let prefix: String
    /// How large contents are; those above 128 KiB are files.
    var sizes = [300, 20_000, 140_000, 300_000]

    /// Works until the server stops answering or each connection has done `limit` things.
    func run(connections: Int, limit: Int = .max) async -> WriteStream.Acknowledged {
        await withTaskGroup(of: WriteStream.Acknowledged.self) { group in
            for connection in 0..<connections {
                group.addTask { await work(connection, limit) }
            }
            return await group.reduce(into: [:]) { $0.merge($1) { $1 } }
        }
    }

    private func work(_ connection: Int, _ limit: Int) async -> WriteStream.Acknowledged {
        var acknowledged: WriteStream.Acknowledged = [:]
        // Of documents that are not deleted.
        var current: WriteStream.Acknowledged = [:]
        var random = SeededGenerator(seed: UInt64(connection))
        for _ in 0..<limit {
            let id = "\(prefix)-\(connection)-\(Int.random(in: 0..<3, using: &random))"
            let known = current[id].map { "?rev=\($0)" }
            let answer: HTTPAnswer?
            switch Int.random(in: 0..<12, using: &random) {
            case 0 where known != nil:
                answer = await ask("DELETE", id + (known ?? ""))
                current[id] = nil
                acknowledged[id] = answer.flatMap { Self.revision($0) } ?? acknowledged[id]
                if answer?.status == 200 { continue }
            case 1..<3 where known != nil:
                answer = await ask("DELETE", "\(id)/f\(known ?? "")")
                // It may have none of that name.
                if answer?.status == 404 { continue }
            case 3:
                answer = await ask("POST", "_compact", body: [])
                if answer?.status == 202 { continue }
            default:
                let variant = Int.random(in: 0..<8, using: &random)
                let content = [UInt8](repeating: UInt8(variant), count: sizes[variant % sizes.count])
                let name = Bool.random(using: &random) ? "f" : "g"
                answer = await ask("PUT", "\(id)/\(name)\(known ?? "")", body: content)
            }
            guard let revision = answer.flatMap({ Self.revision($0) }) else { return acknowledged }
            (current[id], acknowledged[id]) = (revision, revision)
        }
        return acknowledged
    }

    private func ask(_ method: String, _ path: String, body: [UInt8]? = nil) async -> HTTPAnswer? {
        let type = path == "_compact" ? "application/json" : "image/png"
        let request = HTTPRequest(
            method,
            "/\(database)/\(path)",
            headers: [administrator, (name: "Content-Type", value: type)],
            body: body
        )
        return try? await endpoint.send(request)
    }

    private static func revision(_ answer: HTTPAnswer) -> String? {
        guard answer.status == 200 || answer.status == 201 else { return nil }
        return (try? JSONValue(parsing: answer.body))?["rev"]?.string
    }
}
