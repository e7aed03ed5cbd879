// `/db/_bulk_docs`: many documents in one request, each with an outcome of its own.
//
//     {"docs": [{"_id": "a"}, …]}                    new edits: every outcome is answered, in order
//     {"docs": […], "new_edits": false}              replicated: only failures are
//
// The subtle thing: what is wrong with the *form* of any document (no object, a bad revision, an unknown member with an
// underscore) refuses the whole batch before anything is written; a conflict concerns its document alone.

import NIOHTTP1
import Settle
import SettleCore
import Synchronization

extension ServerCore {
    /// Answers `POST /db/_bulk_docs`.
    func postBulkDocuments(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        let batch = try BulkBatch(request.body)
        guard let documents = batch.documents else {
            throw SettleError(.badRequest, "POST body must include `docs` parameter.")
        }
        if batch.isAllOrNothing, !batch.isReplicated {
            return .now(Self.refusedBatch(documents))
        }
        var writes = BulkWrites()
        for document in documents {
            try checkLimits(document, document.id)
            let id = document.id ?? DocumentID(identifiers.next())
            try id.validate()
            let attachments = try attachments(of: document, in: database, isReplicated: batch.isReplicated)
            var document = document
            if !batch.isReplicated {
                document = try checked(document, as: id, for: database, by: request.user)
            }
            try writes.add(document, id, attachments, isReplicated: batch.isReplicated)
        }
        try database.refuseMissingStubs(in: writes.edits)
        return Self.perform(
            writes,
            of: database,
            by: request.writeContext,
            onlyFailures: batch.isReplicated
        )
    }

    /// What `all_or_nothing` gets: it is not supported, document by document.
    private static func refusedBatch(_ documents: [IncomingDocument]) -> Response {
        let rows = documents.map { document -> JSONValue in
            [
                "id": .string(document.id?.text ?? ""),
                "rev": .string(document.revision?.text ?? "0-"),
                "error": "not_implemented",
                "reason": "all_or_nothing is not supported",
            ]
        }
        var body = JSONValue.array(rows).bytes
        body.append(UInt8(ascii: "\n"))
        return Response(status: 417, body: body)
    }

    /// Hands the writes over and answers when the last of them is on disk.
    private static func perform(
        _ writes: BulkWrites,
        of database: Database,
        by context: WriteContext,
        onlyFailures: Bool
    ) -> Answer {
        guard !writes.ids.isEmpty else { return .now(Response(status: 201, json: "[]")) }
        let collected = BulkOutcomes(writes, onlyFailures: onlyFailures)
        return .later { promise in
            if !writes.edits.isEmpty {
                database.submit(.edits(writes.edits, by: context)) { result in
                    if let answer = collected.take(result) { promise.complete(with: answer) }
                }
            }
            for (place, change) in writes.locals {
                database.submit(change) { result in
                    if let answer = collected.take(result, at: place) { promise.complete(with: answer) }
                }
            }
        }
    }
}

/// The body of a `POST /db/_bulk_docs`.
private struct BulkBatch {
    var documents: [IncomingDocument]?
    var isReplicated = false
    var isAllOrNothing = false

    init(_ body: [UInt8]) throws(SettleError) {
        // Whether the documents are hashed depends on `new_edits`, which may come after them; it is cheap to look.
        let flags = try Self.flags(body)
        isReplicated = flags.isReplicated
        isAllOrNothing = flags.isAllOrNothing
        guard flags.hasDocuments else { return }
        var reader = JSONReader(body)
        try readingJSON {
            guard try reader.enterObject() else { return }
            while try reader.nextMember() {
                if reader.nameIs("docs") {
                    documents = try IncomingDocument.documents(reading: &reader, makingTerms: !isReplicated)
                    if documents == nil {
                        throw SettleError(.badRequest, "`docs` parameter must be an array.")
                    }
                }
            }
        }
    }

    private struct Flags {
        var isReplicated = false
        var isAllOrNothing = false
        var hasDocuments = false
    }

    private static func flags(_ body: [UInt8]) throws(SettleError) -> Flags {
        var flags = Flags()
        var reader = JSONReader(body)
        try readingJSON {
            guard try reader.enterObject() else {
                try reader.finish()
                throw SettleError(.badRequest, "Request body must be a JSON object")
            }
            while try reader.nextMember() {
                if reader.nameIs("docs") {
                    flags.hasDocuments = true
                    _ = try reader.skip()
                } else if reader.nameIs("new_edits") {
                    guard let isNew = try reader.bool() else {
                        throw SettleError(.badRequest, "`new_edits` parameter must be a boolean.")
                    }
                    flags.isReplicated = !isNew
                } else if reader.nameIs("all_or_nothing") {
                    flags.isAllOrNothing = try reader.bool() == true
                }
            }
            try reader.finish()
        }
        return flags
    }
}

/// What a batch writes: documents in one request to the writer, local documents in one each.
private struct BulkWrites: Sendable {
    private(set) var ids: [DocumentID] = []
    /// The revisions that replicated documents come with; nil for others.
    private(set) var revisions: [RevisionID?] = []
    private(set) var edits: [DocumentEdit] = []
    /// Where in the batch each edit stands.
    private(set) var places: [Int] = []
    private(set) var locals: [(place: Int, WriteRequest)] = []

    mutating func add(
        _ document: IncomingDocument,
        _ id: DocumentID,
        _ attachments: [EditAttachment],
        isReplicated: Bool
    ) throws(SettleError) {
        var revision: RevisionID?
        if id.isLocal {
            let named = document.ancestry?.first ?? document.revision
            let counter = try ServerCore.localCounter(named)
            locals.append(
                (ids.count, .local(id, body: document.isDeleted ? nil : document.body, revision: counter))
            )
        } else {
            places.append(ids.count)
            if isReplicated { revision = document.ancestry?.first ?? document.revision }
            edits.append(
                isReplicated
                    ? try DocumentEdit.replicated(document, id: id, attachments: attachments)
                    : try DocumentEdit.interactive(document, id: id, attachments: attachments)
            )
        }
        ids.append(id)
        revisions.append(revision)
    }
}

/// Gathers the outcomes of a batch, which come from several threads.
private final class BulkOutcomes: Sendable {
    private struct State {
        var outcomes: [EditOutcome?]
        var outstanding: Int
        var failure: SettleError?
    }

    private let writes: BulkWrites
    private let onlyFailures: Bool
    private let state: Mutex<State>

    init(_ writes: BulkWrites, onlyFailures: Bool) {
        self.writes = writes
        self.onlyFailures = onlyFailures
        let outstanding = writes.locals.count + (writes.edits.isEmpty ? 0 : 1)
        state = Mutex(
            State(outcomes: Array(repeating: nil, count: writes.ids.count), outstanding: outstanding)
        )
    }

    /// Takes the result of all edits, or of the local document at a place; gives the answer when it was the last.
    func take(_ result: Result<WriteResult, SettleError>, at place: Int? = nil) -> Result<
        Response, SettleError
    >? {
        let outcomes: Result<[EditOutcome?], SettleError>? = state.withLock { state in
            switch result {
            case .failure(let error): state.failure = error
            case .success(.edits(let outcomes)):
                for (outcome, place) in zip(outcomes, writes.places) { state.outcomes[place] = outcome }
            case .success(let result):
                let counter = if case .local(let counter) = result { counter } else { UInt64(0) }
                if let place { state.outcomes[place] = .written(ServerCore.localRevision(counter)) }
            }
            state.outstanding -= 1
            guard state.outstanding == 0 else { return nil }
            return state.failure.map { .failure($0) } ?? .success(state.outcomes)
        }
        return outcomes?.map { render($0) }
    }

    private func render(_ outcomes: [EditOutcome?]) -> Response {
        var body: [UInt8] = []
        body.reserveCapacity(onlyFailures ? 16 : outcomes.count * 96)
        body.append(UInt8(ascii: "["))
        var isFirst = true
        for (place, outcome) in outcomes.enumerated() {
            let id = writes.ids[place]
            switch outcome {
            case .written(let revision):
                if onlyFailures { continue }
                if !isFirst { body.append(UInt8(ascii: ",")) }
                ServerCore.appendWritten(id, revision, to: &body)
            case .failed(let error):
                if !isFirst { body.append(UInt8(ascii: ",")) }
                body.append(contentsOf: #"{"id":"#.utf8)
                JSONText.appendString(id.bytes, to: &body)
                if let revision = writes.revisions[place] {
                    body.append(contentsOf: #","rev":""#.utf8)
                    revision.append(to: &body)
                    body.append(UInt8(ascii: "\""))
                }
                body.append(contentsOf: #","error":"#.utf8)
                JSONText.appendString(error.name, to: &body)
                body.append(contentsOf: #","reason":"#.utf8)
                error.appendReason(to: &body)
                body.append(UInt8(ascii: "}"))
            case nil:
                continue
            }
            isFirst = false
        }
        body.append(contentsOf: "]\n".utf8)
        return Response(status: 201, body: body)
    }
}
