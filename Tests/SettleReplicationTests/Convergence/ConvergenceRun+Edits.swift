// Edits as a client makes them, of whatever is there. One that comes too late, or to a server that is being killed, is
// none.

import SettleCore
import SettleTestSupport

extension ConvergenceRun {
    /// Changes a document.
    func perform(_ edit: ConvergenceSchedule.Edit, at peer: Int) async throws {
        let id = ConvergenceSchedule.documents[edit.document]
        let path = "/" + PercentEncoding.encodedPath(DocumentID(id))
        let leaves = try await leaves(path, at: peer)
        let leaf = leaves.isEmpty ? nil : leaves[Int(edit.choice % UInt64(leaves.count))]
        let revision = leaf?["_rev"]?.string
        let query = revision.map { "?rev=\($0)" } ?? ""
        switch edit.kind {
        case .change:
            var body: JSONObject = ["n": .string("\(edit.choice)")]
            body["_rev"] = leaf?["_rev"]
            body["_attachments"] = leaf?["_attachments"]
            _ = try await request(peer, "PUT", path, json: JSONValue.object(body).text)
        case .delete: _ = try await request(peer, "DELETE", path + query)
        case .fork: try await fork(leaf, path, edit, at: peer)
        case .attach(let bytes, let isText):
            // Some content is in several places.
            let content = Self.content(bytes, isText: isText, seed: edit.choice % 3)
            let type = isText ? "text/plain" : "image/png"
            let name = ["f", "dir/ü"][Int(edit.choice % 2)]
            _ = try await world.endpoint(peer).send(
                HTTPRequest(
                    "PUT",
                    "/\(database)\(path)/\(PercentEncoding.encoded(name.utf8))\(query)",
                    headers: [authorization, (name: "Content-Type", value: type)],
                    body: content
                )
            )
        case .detach:
            guard let name = leaf?["_attachments"]?.object?.members.first?.name else { return }
            _ = try await request(
                peer,
                "DELETE",
                path + "/" + PercentEncoding.encoded(name.utf8) + query
            )
        case .load(let count):
            let documents = (0..<count).map { #"{"_id":"n\#(edit.choice % 1000)-\#($0)","n":\#($0)}"# }
            let body = #"{"docs":[\#(documents.joined(separator: ","))]}"#
            _ = try await request(peer, "POST", "/_bulk_docs", json: body)
        }
    }

    /// Writes another child of a leaf's parent, as if it had come from elsewhere.
    private func fork(
        _ leaf: JSONObject?,
        _ path: String,
        _ edit: ConvergenceSchedule.Edit,
        at peer: Int
    ) async throws {
        let ancestry = leaf?["_revisions"]
        let ids = ancestry?["ids"]?.array ?? ["none"]
        var random = SeededGenerator(seed: edit.choice)
        let name = (0..<32).map { _ in String(Int.random(in: 0..<16, using: &random), radix: 16) }.joined()
        let generation = JSONValue.number(JSONNumber(ancestry?["start"]?.int ?? 1))
        var body: JSONObject = [
            "n": .string("\(edit.choice)"),
            "_revisions": [
                "start": generation,
                "ids": .array([.string(name)] + ids.dropFirst()),
            ],
        ]
        if edit.choice % 4 == 0 {
            // `revpos` has to be true: whoever has the parent is not sent what is older than that.
            body["_attachments"] = [
                "f": [
                    "content_type": "image/png", "revpos": generation,
                    "data": .string(Base64.encoded([7, 8, 9])),
                ]
            ]
        }
        _ = try await request(peer, "PUT", path + "?new_edits=false", json: JSONValue.object(body).text)
    }

    /// The leaves of a document, in the same order wherever it is.
    private func leaves(_ path: String, at peer: Int) async throws -> [JSONObject] {
        let answer = try await request(peer, "GET", path + "?open_revs=all&revs=true")
        guard answer.status == 200 else { return [] }
        let found = try JSONValue(parsing: answer.body).array ?? []
        return found.compactMap { $0["ok"]?.object }
            .sorted { ($0["_rev"]?.string ?? "") < ($1["_rev"]?.string ?? "") }
    }

    static func content(_ count: Int, isText: Bool, seed: UInt64) -> [UInt8] {
        if isText { return Array(String(repeating: "text \(seed) ", count: count / 7).utf8) }
        var random = SeededGenerator(seed: seed)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count + 8)
        while bytes.count < count {
            withUnsafeBytes(of: random.next()) { bytes.append(contentsOf: $0) }
        }
        return Array(bytes.prefix(count))
    }

    /// Purges a document, which replications don't hear of.
    func lose(_ document: Int, at peer: Int) async throws {
        let id = ConvergenceSchedule.documents[document]
        let path = "/" + PercentEncoding.encodedPath(DocumentID(id))
        let revisions = try await leaves(path, at: peer).compactMap { $0["_rev"] }
        let body = JSONValue.object([id: .array(revisions)]).text
        _ = try await request(peer, "POST", "/_purge", json: body)
    }
}
