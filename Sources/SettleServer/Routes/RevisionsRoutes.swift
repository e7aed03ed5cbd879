// `/db/_revs_diff` and its older form `/db/_missing_revs`: which of these revisions does the database not have?
//
//     {"a": ["3-c", "2-b"], "b": ["1-x"]}  →  {"a": {"missing": ["3-c"], "possible_ancestors": ["2-b"]}}

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `POST /db/_revs_diff`.
    func postRevisionsDiff(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let asked = try RevisionsByDocument.read(request.body)
        var body: [UInt8] = [UInt8(ascii: "{")]
        try difference(asked, database) { id, missing, ancestors in
            if body.count > 1 { body.append(UInt8(ascii: ",")) }
            JSONText.appendString(id.bytes, to: &body)
            body.append(contentsOf: Self.missing)
            Self.appendList(missing, to: &body)
            if !ancestors.isEmpty {
                body.append(contentsOf: Self.possibleAncestors)
                Self.appendList(ancestors, to: &body)
            }
            body.append(UInt8(ascii: "}"))
        }
        body.append(contentsOf: "}\n".utf8)
        return .now(Response(body: body))
    }

    /// Answers `POST /db/_missing_revs`.
    func postMissingRevisions(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let asked = try RevisionsByDocument.read(request.body)
        var body = Array(#"{"missing_revs":{"#.utf8)
        var isFirst = true
        try difference(asked, database) { id, missing, _ in
            if !isFirst { body.append(UInt8(ascii: ",")) }
            isFirst = false
            JSONText.appendString(id.bytes, to: &body)
            body.append(UInt8(ascii: ":"))
            Self.appendList(missing, to: &body)
        }
        body.append(contentsOf: "}}\n".utf8)
        return .now(Response(body: body))
    }

    /// Calls `body` for each document of which something is missing.
    private func difference(
        _ asked: [RevisionsByDocument],
        _ database: Database,
        _ body: (DocumentID, _ missing: [RevisionID], _ ancestors: [RevisionID]) -> Void
    ) throws(SettleError) {
        try database.read { snapshot in
            for entry in asked where !entry.revisions.isEmpty {
                guard let record = try snapshot.document(entry.id) else {
                    body(entry.id, entry.revisions, [])
                    continue
                }
                let needsTrunk = record.head.needsTrunk(revisions: entry.revisions)
                let tree = needsTrunk ? try snapshot.tree(of: record) : record.head
                let missing = tree.missing(from: entry.revisions)
                if !missing.isEmpty { body(entry.id, missing, tree.possibleAncestors(of: missing)) }
            }
        }
    }

    private static func appendList(_ revisions: [RevisionID], to output: inout [UInt8]) {
        for (position, revision) in revisions.enumerated() {
            output.append(contentsOf: position == 0 ? "[\"".utf8 : "\",\"".utf8)
            revision.append(to: &output)
        }
        output.append(contentsOf: "\"]".utf8)
    }

    private static let missing = Array(#":{"missing":"#.utf8)
    private static let possibleAncestors = Array(#","possible_ancestors":"#.utf8)
}

/// Revisions of one document, as `_revs_diff`, `_missing_revs` and `_purge` list them.
struct RevisionsByDocument: Sendable {
    let id: DocumentID
    let revisions: [RevisionID]

    /// Reads `{id: [rev, …], …}`.
    static func read(_ body: [UInt8]) throws(SettleError) -> [RevisionsByDocument] {
        try readingJSON {
            var reader = JSONReader(body)
            guard try reader.enterObject() else {
                try reader.finish()
                throw SettleError(.badRequest, "Request body must be a JSON object")
            }
            var entries: [RevisionsByDocument] = []
            var failure: SettleError?
            while try reader.nextMember() {
                let id = DocumentID(bytes: reader.nameBytes)
                guard try reader.enterArray() else {
                    failure = failure ?? SettleError(.badRequest, "Invalid list of revisions")
                    continue
                }
                var revisions: [RevisionID] = []
                while try reader.nextElement() {
                    if let revision = RevisionID(text: try reader.stringBytes() ?? []) {
                        revisions.append(revision)
                    } else {
                        failure = failure ?? SettleError(.badRequest, "Invalid rev format")
                    }
                }
                entries.append(RevisionsByDocument(id: id, revisions: revisions))
            }
            try reader.finish()
            if let failure { throw failure }
            return entries
        }
    }
}
