// `/db/_bulk_get`: many revisions of many documents. Replicators fetch with it.
//
//     {"docs": [{"id": "a", "rev": "2-x"}, {"id": "b"}]}
//
// Without a revision all leaves are meant. A Settle peer says in `atts_held` which contents it has, by the SHA-256s that it was
// shown with `att_sha256=true`: for those it gets stubs. Whatever is wrong with one entry is answered in its place, never as an error
// of the request.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `POST /db/_bulk_get`.
    func postBulkGet(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        for name in ["rev", "open_revs", "new_edits", "w", "atts_since"] where request.query[name] != nil {
            throw SettleError(.badRequest, "\"\(name)\" query parameter is not acceptable")
        }
        let query = try DocumentQuery(request.query)
        let items = try BulkGetItem.items(request.body)
        let accept = AcceptHeader(request.headers.first(name: "Accept"))
        guard !accept.accepts("application/json") else {
            return .stream(ResponseHead()) { _ in BulkGetSource(database, items, query, multipart: nil) }
        }
        let kind = ["multipart/mixed", "multipart/related"].first { accept.accepts($0) }
        guard let kind else {
            return .stream(ResponseHead()) { _ in BulkGetSource(database, items, query, multipart: nil) }
        }
        let writer = MultipartWriter(boundary: IdentifierSource.boundary())
        var head = ResponseHead()
        head.contentType = .other("\(kind); boundary=\"\(writer.boundary)\"")
        head.cacheControl = .none
        return .stream(head) { _ in BulkGetSource(database, items, query, multipart: writer) }
    }
}

/// One entry of a `_bulk_get`.
struct BulkGetItem: Sendable {
    /// The id; nil if there is none that could be looked up.
    var id: DocumentID?
    var revision: RevisionID?
    /// What is wrong with the entry itself.
    var failure: SettleError?
    /// The text of `rev`, as it was given.
    var revisionText: String?
    /// Revisions whose attachments the client has; an empty list says nothing.
    var attachmentsSince: [RevisionID]?
    /// Content that the client has.
    var held: Set<BlobKey> = []

    /// Reads the body of the request.
    static func items(_ body: [UInt8]) throws(SettleError) -> [BulkGetItem] {
        try readingJSON {
            var reader = JSONReader(body)
            guard try reader.enterObject() else {
                try reader.finish()
                throw SettleError(.badRequest, "Request body must be a JSON object")
            }
            var items: [BulkGetItem]?
            while try reader.nextMember() {
                guard reader.nameIs("docs"), try reader.enterArray() else { continue }
                var list: [BulkGetItem] = []
                while try reader.nextElement() { list.append(try BulkGetItem(&reader)) }
                items = list
            }
            try reader.finish()
            guard let items else { throw SettleError(.badRequest, "Missing JSON list of 'docs'.") }
            return items
        }
    }

    private init(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.enterObject() else {
            failure = SettleError(.badRequest, "document must be a JSON object")
            return
        }
        var isEmpty = true
        var hasID = false
        var hasBadSince = false
        while try reader.nextMember() {
            isEmpty = false
            if reader.nameIs("id") {
                hasID = true
                id = try reader.stringBytes().map { DocumentID(bytes: $0) }
            } else if reader.nameIs("rev") {
                revisionText = try reader.string() ?? ""
            } else if reader.nameIs("atts_held") {
                held = Set(ContentKeys.keys(try reader.value()))
            } else if reader.nameIs("atts_since") {
                let list = try reader.value()
                do throws(SettleError) {
                    let revisions = try DocumentQuery.revisions(list)
                    if !revisions.isEmpty { attachmentsSince = revisions }
                } catch {
                    hasBadSince = true
                }
            }
        }
        if isEmpty {
            failure = SettleError(.badRequest, "document must be a JSON object")
        } else if let id {
            do throws(SettleError) { try id.validate() } catch { failure = error }
        } else {
            failure =
                hasID
                ? SettleError(.illegalDocumentID, "Document id must be a string")
                : SettleError(.badRequest, "document id missed")
        }
        guard failure == nil else {
            revisionText = nil
            return
        }
        if hasBadSince {
            failure = SettleError(.badRequest, "att_since value must be array of revs.")
            return
        }
        guard let revisionText else { return }
        revision = RevisionID(revisionText)
        if revision == nil { failure = SettleError(.badRequest, "Invalid rev format") }
    }
}

/// Produces the body of a `_bulk_get`.
private final class BulkGetSource: BodySource {
    private let database: Database
    private let items: [BulkGetItem]
    private let query: DocumentQuery
    private let options: DocumentOptions
    private var multipart: MultipartWriter?
    private var place = 0

    init(_ database: Database, _ items: [BulkGetItem], _ query: DocumentQuery, multipart: MultipartWriter?) {
        self.database = database
        self.items = items
        self.query = query
        options = query.revisionOptions
        self.multipart = multipart
    }

    func next(into piece: inout SegmentedBytes) throws(SettleError) -> BodyProgress {
        let isMultipart = multipart != nil
        if place == 0, !isMultipart { piece.bytes.append(contentsOf: #"{"results":["#.utf8) }
        try database.read { snapshot in
            while place < items.count, !piece.isFull {
                let item = items[place]
                if !isMultipart {
                    piece.bytes.append(contentsOf: place == 0 ? #"{"id":"#.utf8 : #",{"id":"#.utf8)
                    Self.append(item.id, to: &piece.bytes)
                    piece.bytes.append(contentsOf: #","docs":["#.utf8)
                }
                try append(item, snapshot, &piece)
                if !isMultipart { piece.bytes.append(contentsOf: "]}".utf8) }
                place += 1
            }
        }
        guard place == items.count else { return .more }
        if isMultipart {
            multipart?.finish(to: &piece.bytes)
        } else {
            piece.bytes.append(contentsOf: "]}\n".utf8)
        }
        return .finished
    }

    private func append(
        _ item: BulkGetItem,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        guard item.failure == nil, let id = item.id else {
            appendFailure(item, item.failure ?? SettleError(.notFound), &output.bytes)
            return
        }
        guard !id.isLocal, let record = try snapshot.document(id) else {
            appendMissing(item, item.revisionText ?? "undefined", &output.bytes)
            return
        }
        let tree: RevisionTree
        let nodes: [Int]
        if let revision = item.revision, !query.wantsLatest, item.attachmentsSince == nil,
            !record.head.needsTrunk(revisions: [revision])
        {
            // The usual case by far: one revision that the row itself knows.
            tree = options.isEmpty ? record.head : try snapshot.tree(of: record)
            nodes = tree.index(of: revision).map { [$0] } ?? []
        } else {
            tree = try snapshot.tree(of: record)
            if let revision = item.revision {
                nodes =
                    query.wantsLatest
                    ? tree.leafDescendants(of: revision) : tree.index(of: revision).map { [$0] } ?? []
            } else {
                nodes = tree.leavesInTreeOrder
            }
        }
        if nodes.isEmpty {
            appendMissing(item, item.revisionText ?? "undefined", &output.bytes)
        }
        let source = RevisionSource(
            id: id,
            tree: tree,
            sequence: record.sequence,
            query: query,
            options: item.attachmentsSince == nil ? options : options.union(.attachments),
            attachmentsSince: item.attachmentsSince,
            held: item.held
        )
        for (position, node) in nodes.enumerated() {
            if multipart != nil {
                try appendPart(node, of: source, item, snapshot, &output)
            } else {
                if position > 0 { output.bytes.append(UInt8(ascii: ",")) }
                try append(node, of: source, item, snapshot, &output)
            }
        }
    }

    private func append(
        _ node: Int,
        of source: RevisionSource,
        _ item: BulkGetItem,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        let start = output.bytes.count
        output.bytes.append(contentsOf: Self.ok)
        if try source.append(node, source.options, snapshot, to: &output) {
            output.bytes.append(UInt8(ascii: "}"))
        } else {
            output.bytes.removeSubrange(start...)
            appendMissing(item, source.tree.nodes[node].revision.text, &output.bytes)
        }
    }

    private func appendPart(
        _ node: Int,
        of source: RevisionSource,
        _ item: BulkGetItem,
        _ snapshot: borrowing Snapshot,
        _ output: inout SegmentedBytes
    ) throws {
        let revision = source.tree.nodes[node].revision.text
        let isThere = try source.append(node, snapshot, to: &output) { contentType, output in
            var headers = [(name: "Content-Type", value: contentType)]
            if !contentType.utf8.elementsEqual("application/json".utf8) {
                headers = [("X-Doc-Id", source.id.text), ("X-Rev-Id", revision)] + headers
            }
            multipart?.beginPart(headers: headers, to: &output.bytes)
        }
        if !isThere { appendMissing(item, revision, &output.bytes) }
    }

    // MARK: failures

    private func appendMissing(_ item: BulkGetItem, _ revision: String, _ output: inout [UInt8]) {
        if multipart != nil {
            appendPart(["rev": .string(revision), "error": "not_found", "reason": "missing"], &output)
        } else {
            appendError(item.id, .string(revision), SettleError(.notFound), &output)
        }
    }

    private func appendFailure(_ item: BulkGetItem, _ error: SettleError, _ output: inout [UInt8]) {
        let revision = item.revisionText.map { JSONValue.string($0) } ?? .null
        if multipart != nil {
            let id = item.id.map { JSONValue.string($0.text) } ?? .null
            appendPart(
                ["id": id, "rev": revision, "error": .string(error.name), "reason": .string(error.reason)],
                &output
            )
        } else {
            appendError(item.id, revision, error, &output)
        }
    }

    private func appendPart(_ value: JSONValue, _ output: inout [UInt8]) {
        multipart?.beginPart(headers: [("Content-Type", "application/json; error=\"true\"")], to: &output)
        value.append(to: &output)
    }

    private func appendError(
        _ id: DocumentID?,
        _ revision: JSONValue,
        _ error: SettleError,
        _ output: inout [UInt8]
    ) {
        output.append(contentsOf: #"{"error":{"id":"#.utf8)
        Self.append(id, to: &output)
        output.append(contentsOf: #","rev":"#.utf8)
        revision.append(to: &output)
        output.append(contentsOf: #","error":"#.utf8)
        JSONText.appendString(error.name, to: &output)
        output.append(contentsOf: #","reason":"#.utf8)
        JSONText.appendString(error.reason, to: &output)
        output.append(contentsOf: "}}".utf8)
    }

    private static func append(_ id: DocumentID?, to output: inout [UInt8]) {
        if let id {
            JSONText.appendString(id.bytes, to: &output)
        } else {
            output.append(contentsOf: "null".utf8)
        }
    }

    private static let ok = Array(#"{"ok":"#.utf8)
}
