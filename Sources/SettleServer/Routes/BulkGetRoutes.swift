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
    /// What is wrong with an entry, which is told with the values that it came with, whatever they are.
    struct Failure {
        var error: SettleError
        var id = JSONValue.null
        var revision = JSONValue.null

        init(_ error: SettleError, id: JSONValue = .null, revision: JSONValue = .null) {
            self.error = error
            self.id = id
            self.revision = revision
        }
    }

    /// The id; nil if there is none that could be looked up.
    var id: DocumentID?
    var revision: RevisionID?
    /// What is wrong with the entry itself.
    var failure: Failure?
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
            failure = Failure(SettleError(.badRequest, "document must be a JSON object"))
            return
        }
        var isEmpty = true
        var otherID: JSONValue?
        var otherRevision: JSONValue?
        var since: JSONValue?
        while try reader.nextMember() {
            isEmpty = false
            if reader.nameIs("id") {
                let isString = try reader.kind() == .string
                id = isString ? try reader.stringBytes().map { DocumentID(bytes: $0) } : Optional.none
                otherID = isString ? Optional.none : try reader.value()
            } else if reader.nameIs("rev") {
                let isString = try reader.kind() == .string
                revisionText = isString ? try reader.string() : Optional.none
                otherRevision = isString ? Optional.none : try reader.value()
            } else if reader.nameIs("atts_held") {
                held = Set(ContentKeys.keys(try reader.value()))
            } else if reader.nameIs("atts_since") {
                since = try reader.value()
            }
        }
        if isEmpty {
            failure = Failure(SettleError(.badRequest, "document must be a JSON object"))
            return
        }
        guard let id else {
            failure =
                otherID.map {
                    Failure(SettleError(.illegalDocumentID, "Document id must be a string"), id: $0)
                }
                ?? Failure(SettleError(.badRequest, "document id missed"))
            return
        }
        failure = check(id, otherRevision: otherRevision) ?? since.flatMap { take(since: $0, id) }
    }

    /// Reads the revision; what is wrong with it or with the id.
    private mutating func check(_ id: DocumentID, otherRevision: JSONValue?) -> Failure? {
        do throws(SettleError) { try id.validate() } catch { return Failure(error, id: .string(id.text)) }
        guard let given = otherRevision ?? revisionText.map({ JSONValue.string($0) }) else { return nil }
        revision = revisionText.flatMap { RevisionID($0) }
        return revision == nil ? Failure(Self.badRevision, id: .string(id.text), revision: given) : nil
    }

    /// Reads `atts_since`; what is wrong with it.
    private mutating func take(since: JSONValue, _ id: DocumentID) -> Failure? {
        guard let list = since.array else {
            let error = SettleError(.badRequest, "att_since value must be array of revs.")
            return Failure(error, id: .string(id.text), revision: since)
        }
        var revisions: [RevisionID] = []
        for element in list {
            guard let revision = element.string.flatMap({ RevisionID($0) }) else {
                return Failure(Self.badRevision, id: .string(id.text), revision: element)
            }
            revisions.append(revision)
        }
        if !revisions.isEmpty { attachmentsSince = revisions }
        return nil
    }

    private static let badRevision = SettleError(.badRequest, "Invalid rev format")

    /// Appends the id, as it was given.
    func appendID(to output: inout [UInt8]) {
        if let failure {
            failure.id.append(to: &output)
        } else if let id {
            JSONText.appendString(id.bytes, to: &output)
        }
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
                    item.appendID(to: &piece.bytes)
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
        if let failure = item.failure { return appendFailure(failure, &output.bytes) }
        guard let id = item.id else { return }
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
        let id = JSONValue.string(item.id?.text ?? "")
        let failure = BulkGetItem.Failure(SettleError(.notFound), id: id, revision: .string(revision))
        guard multipart != nil, item.revision != nil else { return appendFailure(failure, &output) }
        // Of a revision that was asked for, a part tells without the id.
        appendPart(["rev": .string(revision), "error": "not_found", "reason": "missing"], &output)
    }

    private func appendFailure(_ failure: BulkGetItem.Failure, _ output: inout [UInt8]) {
        let value: JSONValue = [
            "id": failure.id, "rev": failure.revision, "error": .string(failure.error.name),
            "reason": .string(failure.error.reason),
        ]
        guard multipart == nil else { return appendPart(value, &output) }
        output.append(contentsOf: #"{"error":"#.utf8)
        value.append(to: &output)
        output.append(UInt8(ascii: "}"))
    }

    private func appendPart(_ value: JSONValue, _ output: inout [UInt8]) {
        multipart?.beginPart(headers: [("Content-Type", "application/json; error=\"true\"")], to: &output)
        value.append(to: &output)
    }

    private static let ok = Array(#"{"ok":"#.utf8)
}
