// The one error type above storage.
//
// Everything that can go wrong on the way from a request to the disk and back is a `SettleError`: a kind, which
// decides the HTTP status and the error's short name, and a reason, which is a sentence for people. Both are
// CouchDB's own words, because its clients compare them:
//
//     SettleError(.conflict)                       // 409 {"error":"conflict","reason":"Document update conflict."}
//     SettleError(.badRequest, "Invalid rev format")
//
// The subtle thing: a missing document is not an error in the store, it is a value (`nil`, `.missing`); it becomes
// one only where a caller insists on the document, which for HTTP is the edge of the server.

/// What went wrong, in a form that callers can act on and that maps to CouchDB's wire form.
public struct SettleError: Error, Hashable, Sendable {
    /// What sort of error this is; decides status and name.
    public let kind: Kind
    /// One sentence for people, in CouchDB's words where CouchDB has them.
    public let reason: String
    /// The name of a ``Kind/functionFailed``, which design documents choose freely.
    private let functionErrorName: String?
    /// What stands as the reason on the wire, if a function threw something other than text there.
    private var thrownReason: JSONValue?
    /// `ref` on the wire: a number that stands for this failure, as CouchDB gives one to those of its workers.
    package private(set) var reference: UInt32?

    /// Makes an error of a kind, with the kind's usual reason unless another is given.
    public init(_ kind: Kind, _ reason: String? = nil) {
        self.kind = kind
        self.reason = reason ?? kind.usualReason
        functionErrorName = nil
    }

    /// What a design document's function, or the process that runs it, fails with.
    ///
    /// CouchDB's own names have the meaning that they have everywhere; any other is a server error of that name.
    package init(function name: String, reason: String) {
        let kinds: [Kind] = [
            .badRequest, .unauthorized, .forbidden, .notFound, .methodNotAllowed, .notAcceptable, .conflict,
            .queryParseError, .fileExists, .timeout,
        ]
        kind = kinds.first { $0.entry.name.hasSameBytes(as: name) } ?? .functionFailed
        self.reason = reason
        functionErrorName = kind == .functionFailed ? name : nil
    }

    /// What a validator throws as `forbidden` or `unauthorized`, whose reason may be any JSON value.
    package init(_ kind: Kind, thrown reason: JSONValue) {
        self.init(kind, reason.string ?? reason.text)
        if reason.string == nil { thrownReason = reason }
    }

    /// Appends the reason as clients get it: a JSON string, or what a function threw in its place.
    package func appendReason(to output: inout [UInt8]) {
        if let thrownReason {
            thrownReason.append(to: &output)
        } else {
            JSONText.appendString(reason, to: &output)
        }
    }

    /// The same error with a reference: for what fails while a view is read.
    package var referenced: SettleError {
        var error = self
        // FNV-1a: the same number for the same failure.
        error.reference = description.utf8.reduce(2_166_136_261) { ($0 ^ UInt32($1)) &* 16_777_619 }
        return error
    }

    /// The HTTP status that CouchDB answers with, such as 409.
    public var status: Int { kind.entry.status }
    /// The short name on the wire, such as `conflict`.
    public var name: String { functionErrorName ?? kind.entry.name }
}

extension SettleError: CustomStringConvertible {
    /// `name: reason`, as logs and the command line print it.
    public var description: String { "\(name): \(reason)" }
}

extension SettleError {
    /// The sorts of errors there are.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        /// The request makes no sense: syntax, types, missing members.
        case badRequest
        /// A query parameter could not be read.
        case queryParseError
        /// The database name breaks CouchDB's rule.
        case illegalDatabaseName
        /// The database name is too long to be a file name.
        case databaseNameTooLong
        /// The document id is reserved, empty or no string.
        case illegalDocumentID
        /// A partition's name is none.
        case illegalPartition
        /// The document has a member that documents can't have.
        case documentValidation
        /// A design document has members of the wrong types.
        case invalidDesignDocument
        /// A function of a view in a design document doesn't compile.
        case compilationError
        /// Credentials are missing or wrong.
        case unauthorized
        /// The credentials are right and still do not suffice.
        case forbidden
        /// There is no such document, revision, database or route.
        case notFound
        /// The route exists, the method doesn't; the reason lists those that do.
        case methodNotAllowed
        /// The client accepts nothing that can be served.
        case notAcceptable
        /// The document has moved on: its current revision is another.
        case conflict
        /// The revision that an attachment is to be changed of isn't there, or its body isn't kept any more.
        case missingRevision
        /// The resource was taken out of the protocol for good.
        case gone
        /// A database of that name exists already.
        case fileExists
        /// A stub stands for an attachment that the document's stored revision does not have.
        case missingStub
        /// The content that arrived is not what its digest says.
        case contentDigestMismatch
        /// A precondition other than a revision failed.
        case preconditionFailed
        /// The request body is larger than the server takes.
        case tooLarge
        /// The request target is longer than the server takes.
        case targetTooLong
        /// One document is larger than a document may be.
        case documentTooLarge
        /// One attachment is larger than an attachment may be; the reason is its name.
        case attachmentTooLarge
        /// The content type isn't one the route reads.
        case badContentType
        /// The byte range lies outside the content.
        case rangeNotSatisfiable
        /// An `all_or_nothing` batch could not be written as a whole.
        case expectationFailed
        /// A replication could not open its source or target.
        case databaseNotFound
        /// Nothing here runs functions in the design document's language; the reason is its name.
        case unknownQueryLanguage
        /// Something broke on our side.
        case internalError
        /// Another side did not answer in time.
        case timeout
        /// CouchDB has it, Settle does not.
        case notImplemented
        /// Another process or a full queue is in the way; trying again helps.
        case unavailable
        /// The disk or the address space is full; nothing was written.
        case insufficientStorage
        /// A function of a design document failed, under a name that it may have chosen itself.
        case functionFailed
        /// The path to a show, list or update function has too few parts, or too many.
        case badShowPath, badListPath, badUpdatePath
        /// A replication names a peer by something that is no URL.
        case invalidReplication
        /// A replication can't go on, and CouchDB has no name for why.
        case replicationFailed
        /// A peer does not take the credentials that a replication has for it.
        case replicationAuthentication
        /// A selector is no JSON object.
        case invalidSelectorJSON
        /// A selector has an operator that does not exist.
        case invalidOperator
        /// A selector has an operator that CouchDB knows and does not serve.
        case unsupportedOperator
        /// An operator of a selector has an argument of the wrong kind.
        case badOperand
        /// A selector has a condition without a field.
        case invalidSelector
        /// A selector has an operator where it can't be.
        case badField
        /// A list of fields is no list of strings.
        case invalidFields
        /// One field of a list of fields is no string.
        case invalidField
    }
}

extension SettleError.Kind {
    /// The table from kind to wire form: the only one.
    var entry: (status: Int, name: String) {
        switch self {
        case .badRequest: (400, "bad_request")
        case .queryParseError: (400, "query_parse_error")
        case .illegalDatabaseName: (400, "illegal_database_name")
        case .databaseNameTooLong: (400, "database_name_too_long")
        case .illegalDocumentID: (400, "illegal_docid")
        case .illegalPartition: (400, "illegal_partition")
        case .documentValidation: (400, "doc_validation")
        case .invalidDesignDocument: (400, "invalid_design_doc")
        case .compilationError: (400, "compilation_error")
        case .unauthorized: (401, "unauthorized")
        case .forbidden: (403, "forbidden")
        case .notFound: (404, "not_found")
        case .methodNotAllowed: (405, "method_not_allowed")
        case .notAcceptable: (406, "not_acceptable")
        case .conflict: (409, "conflict")
        case .missingRevision: (409, "not_found")
        case .gone: (410, "gone")
        case .fileExists: (412, "file_exists")
        case .missingStub: (412, "missing_stub")
        case .contentDigestMismatch: (400, "content_md5_mismatch")
        case .preconditionFailed: (412, "precondition_failed")
        case .tooLarge: (413, "too_large")
        case .targetTooLong: (414, "too_long")
        case .documentTooLarge: (413, "document_too_large")
        case .attachmentTooLarge: (413, "attachment_too_large")
        case .badContentType: (415, "bad_content_type")
        case .rangeNotSatisfiable: (416, "requested_range_not_satisfiable")
        case .expectationFailed: (417, "expectation_failed")
        case .databaseNotFound: (500, "db_not_found")
        case .unknownQueryLanguage: (500, "unknown_query_language")
        case .internalError: (500, "internal_server_error")
        case .timeout: (500, "timeout")
        case .notImplemented: (501, "not_implemented")
        case .unavailable: (503, "service_unavailable")
        case .insufficientStorage: (507, "insufficient_storage")
        case .functionFailed: (500, "unnamed_error")
        case .badShowPath: (404, "show_error")
        case .badListPath: (404, "list_error")
        case .badUpdatePath: (404, "update_error")
        case .invalidReplication: (400, "invalid_replication")
        case .replicationFailed: (500, "error")
        case .replicationAuthentication: (500, "replication_auth_error")
        case .invalidSelectorJSON: (400, "invalid_selector_json")
        case .invalidOperator: (400, "invalid_operator")
        case .unsupportedOperator: (400, "not_supported")
        case .badOperand: (400, "bad_arg")
        case .invalidSelector: (400, "invalid_selector")
        case .badField: (400, "bad_field")
        case .invalidFields: (400, "invalid_fields")
        case .invalidField: (400, "invalid_field")
        }
    }

    /// What is said when nobody says it better.
    var usualReason: String {
        switch self {
        case .notFound: "missing"
        case .conflict: "Document update conflict."
        case .missingRevision: "missing_rev"
        case .fileExists: "The database could not be created, the file already exists."
        case .contentDigestMismatch: "Possible message corruption."
        case .unauthorized: "You are not a server admin."
        case .badContentType: "Content-Type must be application/json"
        case .badShowPath, .badListPath, .badUpdatePath: "Invalid path."
        case .tooLarge: "the request entity is too large"
        case .targetTooLong: "the request uri is too long"
        case .insufficientStorage: "There is no space left to write to; nothing was changed."
        default: "\(entry.name)"
        }
    }
}
