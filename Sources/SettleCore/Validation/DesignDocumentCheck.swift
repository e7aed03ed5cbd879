// What a design document must look like to be written.
//
//     {"views": {"x": {"map": 5}}}         `views.x.map` field must have string type
//
// Members are checked in CouchDB's order, the first that is wrong decides; members that CouchDB doesn't know may be
// anything. Then the functions of views must compile, which is for an engine to tell: `functions` lists them in the
// order in which CouchDB looks at them. Functions of any other kind are compiled when they are first used, by CouchDB
// too.
//
// The subtle thing: the rule holds for replicated design documents as well. One that breaks it stays where it is.

/// The check of one design document.
package struct DesignDocumentCheck: Sendable {
    /// A function of a view that must compile.
    package struct Function: Sendable, Hashable {
        /// `map` or `reduce`.
        package let kind: String
        /// The view's name.
        package let view: String
        package let source: [UInt8]

        /// How a failure to compile it is told.
        package func failure(_ error: SettleError) -> SettleError {
            guard error.name.utf8.elementsEqual("compilation_error".utf8) else { return error }
            return SettleError(
                .compilationError,
                "Compilation of the \(kind) function in the '\(view)' view failed: \(error.reason)"
            )
        }
    }

    /// What the functions are written in.
    package let language: String
    /// The functions of views, but for the built-in reductions.
    package let functions: [Function]

    /// Checks the members.
    ///
    /// - Parameter text: The design document's JSON text, with or without its special members.
    /// - Throws: `invalidDesignDocument`.
    package init(_ text: [UInt8]) throws(SettleError) {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue(parsing: text)
        } catch {
            throw SettleError(error)
        }
        language = document["language"]?.string ?? "javascript"
        let isQuery = language.utf8.elementsEqual("query".utf8)
        for rule in Self.rules(map: isQuery ? .object : .string) {
            try Self.check(document, rule[...], path: "")
        }
        var functions: [(order: [UInt8], function: Function)] = []
        for member in document["views"]?.object?.members ?? []
        where !member.name.utf8.elementsEqual("lib".utf8) {
            guard let map = member.value["map"] else {
                throw .invalidDesignDocument("View `\(member.name)` must contain map function")
            }
            let source = Array((map.string ?? map.text).utf8)
            functions.append((source + [0], Function(kind: "map", view: member.name, source: source)))
            guard let reduce = member.value["reduce"]?.string else { continue }
            if reduce.utf8.first == UInt8(ascii: "_") {
                try Self.check(reducer: reduce)
            } else {
                functions.append(
                    (source + [1], Function(kind: "reduce", view: member.name, source: Array(reduce.utf8)))
                )
            }
        }
        self.functions = functions.sorted { $0.order.lexicographicallyPrecedes($1.order) }.map(\.function)
        if document["options"]?["partitioned"]?.bool == true {
            throw .invalidDesignDocument(
                "partitioned option cannot be true in a non-partitioned database."
            )
        }
    }
}

// MARK: Types of members

extension DesignDocumentCheck {
    private enum Kind: String {
        case string, object, array, boolean

        func matches(_ value: JSONValue) -> Bool {
            switch self {
            case .string: value.string != nil
            case .object: value.object != nil
            case .array: value.array != nil
            case .boolean: value.bool != nil
            }
        }
    }

    /// One step of a rule: a member, or each of them, must be of one of these kinds if it is there.
    private struct Step {
        var name: String?
        var kinds: [Kind]

        /// The kinds as the reason names them.
        var title: String { kinds.map(\.rawValue).joined(separator: " or ") }
    }

    private static func rules(map: Kind) -> [[Step]] {
        func member(_ name: String, _ kinds: Kind...) -> Step { Step(name: name, kinds: kinds) }
        func each(_ kinds: Kind...) -> Step { Step(name: nil, kinds: kinds) }
        return [
            [member("filters", .object), each(.string, .object)],
            [member("language", .string)],
            [member("lists", .object), each(.string, .object)],
            [member("options", .object)],
            [member("options", .object), member("include_design", .boolean)],
            [member("options", .object), member("local_seq", .boolean)],
            [member("options", .object), member("partitioned", .boolean)],
            [member("rewrites", .array, .string)],
            [member("shows", .object), each(.string, .object)],
            [member("updates", .object), each(.string, .object)],
            [member("validate_doc_update", .string)],
            [member("views", .object), member("lib", .object)],
            [member("views", .object), each(.object), member("map", map)],
            [member("views", .object), each(.object), member("reduce", .string)],
        ]
    }

    private static func check(
        _ value: JSONValue,
        _ steps: ArraySlice<Step>,
        path: String
    ) throws(SettleError) {
        guard let step = steps.first else { return }
        let members = value.object?.members ?? []
        for member in members {
            if let name = step.name, !name.utf8.elementsEqual(member.name.utf8) { continue }
            let place = path.isEmpty ? member.name : "\(path).\(member.name)"
            guard step.kinds.contains(where: { $0.matches(member.value) }) else {
                throw .invalidDesignDocument("`\(place)` field must have \(step.title) type")
            }
            try check(member.value, steps.dropFirst(), path: place)
        }
    }

    /// Refuses built-in reductions that there are none.
    private static func check(reducer name: String) throws(SettleError) {
        let known = ["_sum", "_count", "_stats", "_approx_count_distinct", "_first", "_last"]
        if known.contains(where: { name.utf8.starts(with: $0.utf8) }) { return }
        for prefix in ["_top_", "_bottom_"] where name.utf8.starts(with: prefix.utf8) {
            guard let rank = Int(name.dropFirst(prefix.utf8.count)) else {
                throw .invalidDesignDocument("invalid rank reducer")
            }
            guard 1...100 ~= rank else {
                throw .invalidDesignDocument("rank value must be between 1 and 100")
            }
            return
        }
        throw .invalidDesignDocument("`\(name)` is not a supported reduce function.")
    }
}

extension SettleError {
    fileprivate static func invalidDesignDocument(_ reason: String) -> SettleError {
        SettleError(.invalidDesignDocument, reason)
    }
}
