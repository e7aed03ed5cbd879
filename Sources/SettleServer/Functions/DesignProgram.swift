import NIOHTTP1
import Settle
import SettleCore

/// A design document whose functions a request runs.
struct DesignProgram: Sendable {
    let database: Database
    /// The revision, for entity tags.
    let revision: RevisionID
    let program: FunctionProgram
    private let engine: any FunctionEngine

    /// Reads a design document as it is now.
    ///
    /// - Throws: `not_found` if there is none, `not_implemented` where no engine is linked.
    init(_ database: Database, _ design: DocumentID) throws(SettleError) {
        guard let engine = database.functionEngine else {
            throw SettleError(.notImplemented, "This server runs no functions of design documents.")
        }
        let (revision, text) = try database.read { snapshot in
            guard let record = try snapshot.document(design) else { throw SettleError(.notFound, "missing") }
            guard !record.isDeleted else { throw SettleError(.notFound, "deleted") }
            var text: [UInt8] = []
            _ = try snapshot.append(design, record, revision: nil, [], to: &text)
            return (record.winner.revision, text)
        }
        self.database = database
        self.revision = revision
        self.engine = engine
        program = FunctionProgram(designDocument: text, scope: database.name)
    }

    /// A member of the design document, such as `rewrites`.
    func member(_ name: String) throws(SettleError) -> JSONValue? {
        do throws(JSONError) {
            return try JSONValue(parsing: program.text)[name]
        } catch {
            throw SettleError(error)
        }
    }

    func ask<Answer>(_ question: FunctionQuestion<Answer>) async throws(SettleError) -> Answer {
        try await engine.askInBackground(question, of: program)
    }
}

extension Database {
    /// The document that a function is given: with its history, and what it conflicts with; nil if there is none.
    func documentForFunction(_ id: DocumentID) throws(SettleError) -> (text: [UInt8], revision: RevisionID)? {
        try read { snapshot in
            guard let record = try snapshot.document(id), !record.isDeleted else { return nil }
            var text: [UInt8] = []
            _ = try snapshot.append(id, record, revision: nil, [.revisions, .conflicts], to: &text)
            return (text, record.winner.revision)
        }
    }
}

extension ServerCore {
    /// What a function learns of a request.
    func requestObject(
        _ request: Request,
        _ database: Database,
        _ id: DocumentID?
    ) throws(SettleError) -> [UInt8] {
        var information: [UInt8] = []
        try appendInfo(of: database, to: &information)
        return RequestObject(
            information: information,
            uuid: identifiers.next(),
            documentID: id,
            method: request.method.rawValue,
            target: request.target,
            requestedTarget: request.requestedTarget ?? request.target,
            headers: request.headers.map { ($0.name, $0.value) },
            body: request.body,
            peer: request.peer,
            userContext: userContext(request, database),
            security: try database.read { snapshot in try snapshot.security }
        ).text
    }

    /// `{"db":…,"name":…,"roles":[…]}`.
    func userContext(_ request: Request, _ database: Database) -> [UInt8] {
        let value: JSONValue = [
            "db": .string(database.name),
            "name": request.user.name.map { .string($0) } ?? .null,
            "roles": request.user.isAdministrator ? ["_admin"] : [],
        ]
        return value.bytes
    }
}

extension Response {
    /// What a function wants to be answered, with the status it named or another.
    init(_ response: FunctionResponse, status: Int = 200) {
        self.init(status: response.status ?? status, body: response.body)
        head.contentType = .other(response.contentType)
        head.cacheControl = response.isJSON ? .mustRevalidate : .none
        head.headers = response.headers
        // A page that a function made may not act on behalf of its reader.
        head.headers.append(("Content-Security-Policy", "sandbox"))
    }
}
