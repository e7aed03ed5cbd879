// Questions to the functions of a design document: filters, validators, updates, shows, lists, rewrites.
//
// Their programs are made from the design document's text. A function that isn't there is `not_found`, one that doesn't
// compile `compilation_error`, one that throws what CouchDB makes of what it throws; each is thrown when the answer is
// read.

extension FunctionQuestion where Answer == [Bool] {
    /// Which documents pass `filters.{name}`; the documents and the request object are JSON texts.
    package static func filter(_ name: String, documents: [[UInt8]], request: [UInt8]) -> Self {
        var question = FunctionRequest(
            "filter",
            capacity: documents.reduce(request.count + 64) { $0 + $1.count + 1 }
        )
        question.append(string: name.utf8)
        question.append(array: documents)
        question.append(request)
        let count = documents.count
        return FunctionQuestion(request: question.finish()) { (answer) throws(SettleError) in
            try bools(answer, count)
        }
    }

    /// For which documents `views.{name}.map` emits something.
    package static func viewFilter(_ name: String, documents: [[UInt8]]) -> Self {
        var question = FunctionRequest("viewFilter", capacity: documents.reduce(64) { $0 + $1.count + 1 })
        question.append(string: name.utf8)
        question.append(array: documents)
        let count = documents.count
        return FunctionQuestion(request: question.finish()) { (answer) throws(SettleError) in
            try bools(answer, count)
        }
    }

    private static func bools(_ answer: [UInt8], _ count: Int) throws(SettleError) -> [Bool] {
        guard let elements = (try? JSONValue(parsing: answer))?.array, elements.count == count else {
            throw .unreadableAnswer
        }
        return elements.map { $0.bool ?? false }
    }
}

/// A write that validators are asked about.
package struct ValidatedWrite: Sendable {
    /// The new document's JSON text, with `_id`, `_rev`, `_revisions` and, if it is one, `_deleted`.
    package var document: [UInt8]
    /// The JSON text of the revision that it replaces; nil if there is none.
    package var previous: [UInt8]?

    package init(document: [UInt8], previous: [UInt8]?) {
        self.document = document
        self.previous = previous
    }
}

extension FunctionQuestion where Answer == [SettleError?] {
    /// Whether `validate_doc_update` lets writes through: for each `nil`, or the error that the writer is answered with
    /// (`forbidden`, `unauthorized`, or what else the function throws).
    ///
    /// `userContext` is the JSON text of `{"db":…,"name":…,"roles":[…]}`, `security` that of the security object.
    package static func validate(_ writes: [ValidatedWrite], userContext: [UInt8], security: [UInt8]) -> Self
    {
        var question = FunctionRequest(
            "validate",
            capacity: writes.reduce(128) { $0 + $1.document.count * 2 }
        )
        let pairs = writes.map { write in
            [0x5B] + write.document + [0x2C] + (write.previous ?? Array("null".utf8)) + [0x5D]
        }
        question.append(array: pairs)
        question.append(userContext)
        question.append(security)
        let count = writes.count
        return FunctionQuestion(request: question.finish()) { (answer) throws(SettleError) in
            guard
                let verdicts = (try? JSONValue(parsing: JSONText.replacingLoneSurrogates(in: answer)))?.array,
                verdicts.count == count
            else { throw .unreadableAnswer }
            return verdicts.map(SettleError.init(verdict:))
        }
    }
}

extension SettleError {
    /// What a validator's verdict is for the writer: `1` is nil, `["threw", value]` what CouchDB makes of the value.
    fileprivate init?(verdict: JSONValue) {
        if let error = verdict["error"]?.string, let reason = verdict["reason"] {
            self.init(function: error, reason: reason.string ?? reason.text)
            return
        }
        guard let thrown = verdict[1] else { return nil }
        if let member = thrown.object?.members.first, thrown.object?.count == 1 {
            switch member.name {
            case "forbidden": self.init(.forbidden, thrown: member.value)
            case "unauthorized": self.init(.unauthorized, thrown: member.value)
            default:
                let reason = member.value.string ?? member.value.text
                self.init(function: "unknown_error", reason: reason)
            }
        } else {
            self.init(function: "unknown_error", reason: thrown.string ?? thrown.text)
        }
    }
}

/// What an update function wants.
package struct UpdateAnswer: Sendable, Hashable {
    /// The document to write; nil if there is none.
    package let document: JSONValue?
    /// The response: `code`, `headers`, and `body`, `base64` or `json`.
    package let response: JSONObject
}

extension FunctionQuestion where Answer == UpdateAnswer {
    /// What `updates.{name}` makes of a document, if there is one, and a request object; both are JSON texts.
    package static func update(_ name: String, document: [UInt8]?, request: [UInt8]) -> Self {
        var question = FunctionRequest("update", capacity: request.count + (document?.count ?? 0) + 64)
        question.append(string: name.utf8)
        question.append(document ?? Array("null".utf8))
        question.append(request)
        return FunctionQuestion(request: question.finish()) { (answer) throws(SettleError) in
            let parts = try tagged("up", answer)
            guard let response = parts[2]?.object else { throw .unreadableAnswer }
            // Whatever is no object is no document, as CouchDB has it.
            let document = parts[1].flatMap { $0.object == nil ? JSONValue?.none : $0 }
            return UpdateAnswer(document: document, response: response)
        }
    }
}

extension FunctionQuestion where Answer == JSONObject {
    /// What `shows.{name}` answers to a document, if there is one, and a request object, both JSON texts: `code`,
    /// `headers`, and `body`, `base64` or `json`.
    package static func show(_ name: String, document: [UInt8]?, request: [UInt8]) -> Self {
        var question = FunctionRequest("show", capacity: request.count + (document?.count ?? 0) + 64)
        question.append(string: name.utf8)
        question.append(document ?? Array("null".utf8))
        question.append(request)
        return response("resp", question.finish())
    }

    /// What `lists.{name}` makes of the rows of a view: `code`, `headers` and the whole `body`.
    ///
    /// All are JSON texts: `head` is `{"total_rows":…,"offset":…}`, `rows` the rows as the view's answer has them.
    package static func list(_ name: String, head: [UInt8], rows: [[UInt8]], request: [UInt8]) -> Self {
        var question = FunctionRequest(
            "list",
            capacity: rows.reduce(request.count + 128) { $0 + $1.count + 1 }
        )
        question.append(string: name.utf8)
        question.append(head)
        question.append(request)
        question.append(array: rows)
        return response("resp", question.finish())
    }

    /// What the function `rewrites` makes of a request: `path`, and what else of it changes; or `code` and `body`, an
    /// answer at once.
    package static func rewrite(request: [UInt8]) -> Self {
        var question = FunctionRequest("rewrite", capacity: request.count + 16)
        question.append(request)
        return response("ok", question.finish())
    }

    private static func response(_ tag: String, _ request: [UInt8]) -> Self {
        FunctionQuestion(request: request) { (answer) throws(SettleError) in
            guard let object = try tagged(tag, answer)[1]?.object else { throw .unreadableAnswer }
            return object
        }
    }
}

/// The value `["tag", …]`.
private func tagged(_ tag: String, _ answer: [UInt8]) throws(SettleError) -> JSONValue {
    guard let value = try? JSONValue(parsing: JSONText.replacingLoneSurrogates(in: answer)),
        value[0] == .string(tag)
    else { throw .unreadableAnswer }
    return value
}
