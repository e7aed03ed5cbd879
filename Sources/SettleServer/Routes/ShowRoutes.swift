// `_show` and `_list` of design documents: a document, or the rows of a view, in a form that a function gives them.
//
// CouchDB deprecates both and still serves them, and so does Settle. A list function gets all rows at once, not one at a
// time over the wire: what a query may bring it is bounded.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `/db/_design/name/_show/function[/id]`.
    func show(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String,
        _ id: DocumentID?
    ) throws(SettleError) -> Answer {
        let program = try DesignProgram(database, design)
        let document =
            if let id { try database.documentForFunction(id) } else { nil as ([UInt8], RevisionID)? }
        let tag = [
            program.revision.text, document?.1.text ?? "", request.headers.first(name: "Accept") ?? "",
            request.user.name ?? "", name,
        ]
        let entityTag = Array(PercentEncoding.encoded(tag.joined(separator: " ").utf8).utf8)
        if request.hasCurrent(entityTag) { return .now(.notModified(entityTag)) }
        let object = try requestObject(request, database, id)
        return .task { () throws(SettleError) in
            let answer = try await program.ask(.show(name, document: document?.0, request: object))
            var response = Response(try FunctionResponse(answer))
            response.head.entityTag = entityTag
            response.head.headers.append(("Vary", "Accept"))
            return .now(response)
        }
    }

    /// Answers `/db/_design/name/_list/function/[other/]view`.
    func list(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String,
        view: (design: DocumentID, name: String)
    ) throws(SettleError) -> Answer {
        let program = try DesignProgram(database, design)
        guard try program.member("lists")?[name] != nil else {
            throw SettleError(.notFound, "missing json key: \(name)")
        }
        let requests = [try viewRequest(request, database, view.design, view.name)]
        let object = try requestObject(request, database, nil)
        return .task { () throws(SettleError) in
            let rows = try await self.rows(of: requests)
            guard let head = rows.head, let texts = rows.rows else {
                throw SettleError(.internalError, "The view's answer has no rows.")
            }
            let answer = try await program.ask(.list(name, head: head, rows: texts, request: object))
            var response = Response(try FunctionResponse(answer, isList: true))
            response.head.headers.append(("Vary", "Accept"))
            return .now(response)
        }
    }

    /// All that a view answers, taken apart again.
    private func rows(
        of requests: [ViewRequest]
    ) async throws(SettleError) -> (head: [UInt8]?, rows: [[UInt8]]?) {
        if let view = requests.first?.view, try !view.isFresh() { try await view.update() }
        var body: [UInt8] = []
        var piece = ViewPiece(rest: ViewAnswer(requests, isList: false))
        while !piece.isLast {
            guard let database = requests.first?.view.index.database else { break }
            piece = try await ViewPiece.make(piece.rest, on: database)
            while !piece.content.isEmpty {
                try piece.content.take(LoopContext.pieceSize, into: &body)
                guard body.count <= Self.listLimit else {
                    throw SettleError(.tooLarge, "The view has more rows than a list function can be given.")
                }
            }
        }
        guard var answer = (try? JSONValue(parsing: body))?.object else { return (nil, nil) }
        let rows = answer["rows"]?.array?.map(\.bytes)
        answer["rows"] = nil
        return (JSONValue.object(answer).bytes, rows)
    }

    /// Bytes of rows that a list function is given at most.
    private static let listLimit = 64 << 20
}
