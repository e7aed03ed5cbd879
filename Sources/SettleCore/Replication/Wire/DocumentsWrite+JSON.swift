// `_bulk_docs` with `new_edits:false`: documents with their history, taken as they are.
//
//     {"new_edits":false,"docs":[{"_id":"a","_rev":"2-…","_revisions":{…},…},…]}      →      []
//     [{"id":"b","rev":"1-…","error":"forbidden","reason":"…"}]
//
// Only what went wrong is answered.

/// The question and the answer of `_bulk_docs`.
package enum DocumentsWrite {
    /// What stands before the documents.
    package static let opening = Array(#"{"new_edits":false,"docs":["#.utf8)
    /// What stands after them.
    package static let closing = Array("]}".utf8)

    /// The documents that an answer names as refused.
    package static func rejections(json text: [UInt8]) throws(PeerFailure) -> [WriteRejection] {
        let answer = try PeerFailure.reading("_bulk_docs") { () throws(JSONError) in
            try JSONValue(parsing: text)
        }
        // Whoever answers something else, such as the page of a hotel's network, has not written anything.
        guard let rows = answer.array else { throw PeerFailure.senseless("_bulk_docs") }
        return rows.compactMap { row in
            guard let name = row["error"]?.string, let id = row["id"]?.string else { return nil }
            return WriteRejection(
                id: DocumentID(id),
                revision: row["rev"]?.string.flatMap { RevisionID($0) },
                name: name,
                reason: row["reason"]?.string ?? name
            )
        }
    }
}

extension PeerFailure {
    /// The failure that an answer with a status other than success means.
    package init(status: Int, body: [UInt8], retryAfter: Duration?, url: String) {
        let answer = try? JSONValue(parsing: body)
        let name = answer?["error"]?.string ?? Self.unexplained(status)
        let reason = answer?["reason"]?.string ?? "\(url) answered with status \(status)."
        self.init(.status(status), name: name, reason: reason, retryAfter: retryAfter)
    }
}
