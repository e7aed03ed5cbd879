// `/db/_design/name/_update/function[/id]`: a function that makes a document of a request.

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `POST` and `PUT /db/_design/name/_update/function[/id]`.
    func update(
        _ request: Request,
        _ database: Database,
        _ design: DocumentID,
        _ name: String,
        _ id: DocumentID?
    ) throws(SettleError) -> Answer {
        let program = try DesignProgram(database, design)
        let document = if let id { try database.documentForFunction(id)?.text } else { [UInt8]?.none }
        let object = try requestObject(request, database, id)
        return .task { () throws(SettleError) in
            let answer = try await program.ask(.update(name, document: document, request: object))
            guard let written = answer.document else {
                return .now(Response(try FunctionResponse(answer.response)))
            }
            let incoming = try self.incomingDocument(written.bytes, nil, makingTerm: true)
            let id = incoming.id ?? DocumentID("")
            try id.validateText()
            let edit = try DocumentEdit.interactive(
                incoming,
                id: id,
                attachments: try self.attachments(of: incoming, in: database)
            )
            let result = try await database.perform(.edits([edit], by: request.writeContext))
            guard case .edits(let outcomes) = result, let outcome = outcomes.first else {
                throw SettleError(.internalError, "The write has no outcome.")
            }
            switch outcome {
            case .failed(let error): throw error
            case .written(let revision):
                var response = Response(try FunctionResponse(answer.response), status: 201)
                response.head.headers.append(("X-Couch-Update-NewRev", revision.text))
                response.head.headers.append(("X-Couch-Id", PercentEncoding.encoded(id.bytes)))
                return .now(response)
            }
        }
    }
}
