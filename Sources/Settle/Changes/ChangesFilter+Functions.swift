// Filters that are functions of a design document: `filters.NAME`, or `views.NAME.map`, which lets through what it emits
// something for.

package import SettleCore

/// A function of a design document, as a filter.
package struct FilterFunction: Sendable {
    let engine: any FunctionEngine
    let program: FunctionProgram
    let name: String
    /// The request object's JSON text; nil for a view's map function.
    let request: [UInt8]?

    /// Says of each document whether it passes.
    func passes(_ candidates: ChangeCandidates) async throws(SettleError) -> [Bool] {
        if candidates.texts.isEmpty { return [] }
        let documents = candidates.texts.map { Array(candidates.bytes[$0]) }
        guard let request else {
            return try await engine.askInBackground(.viewFilter(name, documents: documents), of: program)
        }
        let question = FunctionQuestion.filter(name, documents: documents, request: request)
        return try await engine.askInBackground(question, of: program)
    }
}

extension Database {
    /// The filter function of a design document, named without `_design/`; `request` is what it is given as `req`.
    ///
    /// - Throws: `notFound` if there is no such function, `notImplemented` if nothing here runs functions.
    package func changesFilter(
        design: String,
        function name: String,
        request: [UInt8]
    ) throws(SettleError) -> ChangesFilter {
        let text = try designDocument(design, holding: ["filters", name])
        return .function(try function(text, name, request))
    }

    /// The map function of a view as a filter.
    ///
    /// - Throws: `notFound` if there is no such view, `notImplemented` if nothing here runs functions.
    package func changesFilter(design: String, view name: String) throws(SettleError) -> ChangesFilter {
        let text = try designDocument(design, holding: ["views", name])
        return .function(try function(text, name, nil))
    }

    /// The filter that a replication names: `design/name`, or `_view` with the view among the parameters.
    package func changesFilter(
        named name: String,
        parameters: JSONObject
    ) throws(SettleError) -> ChangesFilter {
        let isView = name.utf8.elementsEqual("_view".utf8)
        let path = isView ? parameters["view"]?.string ?? "" : name
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty else {
            let form = isView ? "`view` must be of the form `designname/viewname`" : nil
            throw SettleError(
                .badRequest,
                form ?? "`filter` must be of the form `designname/filtername`"
            )
        }
        if isView { return try changesFilter(design: parts[0], view: parts[1]) }
        // Over HTTP the parameters would be a query, so that is how the function sees them.
        let query = parameters.members.map { ($0.name, JSONValue.string($0.value.string ?? $0.value.text)) }
        let request: JSONValue = [
            "method": "GET", "path": [.string(self.name), "_changes"], "query": .object(JSONObject(query)),
            "headers": [:], "form": [:], "cookie": [:], "peer": "127.0.0.1", "body": "undefined",
            "userCtx": ["db": .string(self.name), "name": nil, "roles": ["_admin"]], "secObj": [:],
        ]
        return try changesFilter(design: parts[0], function: parts[1], request: request.bytes)
    }

    private func function(
        _ text: [UInt8],
        _ name: String,
        _ request: [UInt8]?
    ) throws(SettleError) -> FilterFunction {
        guard let engine = options.functionEngine else {
            throw SettleError(.notImplemented, "Nothing here runs the functions of design documents.")
        }
        let program = FunctionProgram(designDocument: text, scope: self.name)
        return FilterFunction(engine: engine, program: program, name: name, request: request)
    }

    /// The text of a design document that has something in a place.
    private func designDocument(_ name: String, holding path: [String]) throws(SettleError) -> [UInt8] {
        var text: [UInt8] = []
        let id = DocumentID("_design/\(name)")
        switch try read({ snapshot in try snapshot.appendWinner(id, to: &text) }) {
        case .missing: throw SettleError(.notFound, "missing")
        case .deleted: throw SettleError(.notFound, "deleted")
        case .found: break
        }
        guard var value = try? JSONValue(parsing: text) else {
            throw SettleError(.internalError, "A stored document is damaged.")
        }
        for name in path {
            guard let next = value[name] else {
                throw SettleError(.notFound, "missing json key: \(name)")
            }
            value = next
        }
        return text
    }
}
