// `settle query`: the rows of a view, or of a map function that somebody is trying out.
//
//     settle query packages --map 'function(doc) { emit(doc.Section, 1) }' --reduce _count --group
//     settle query packages _design/debian/_view/sections --group-level 1
//
// One row per line, as JSON: what a program reads, and what `jq` and `head` make sense of. A function that is tried out is
// indexed in a directory beside the database, which goes away with the command.

import ArgumentParser
import Foundation
import Settle
import SettleCore
import SettleServer

struct QueryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Show the rows of a view, or of a map function to try out.",
        discussion: """
            With --map, the documents are indexed by a JavaScript function as they are now, and the index is thrown away \
            afterwards; no design document is needed. Otherwise the view is one of a design document, DESIGN/VIEW, whose \
            index is brought up to date and kept.

            One row per line, as JSON. With a reduce function there is one row for all, unless --group or --group-level \
            asks for more, or --no-reduce for the rows themselves. Keys are JSON: '"text"', 5, '["a",{}]'.
            """
    )

    @Argument(help: ArgumentHelp("The database: a name or a path.", valueName: "db"))
    var location: Location

    @Argument(help: ArgumentHelp("A view of a design document.", valueName: "design/view"))
    var view: String?

    @Option(help: ArgumentHelp("A map function, or @ and the file it is in.", valueName: "function"))
    var map: String?

    @Option(
        help: ArgumentHelp(
            "A reduce function, a built-in one's name, or @ and a file.",
            valueName: "function"
        )
    )
    var reduce: String?

    @OptionGroup(title: "Rows") var selection: RowSelection

    @OptionGroup var data: DataOptions

    func validate() throws {
        guard (map == nil) != (view == nil) else {
            throw ValidationError(
                "Give either a view of a design document, DESIGN/VIEW, or --map and a function."
            )
        }
        guard map != nil || reduce == nil else {
            throw ValidationError("--reduce belongs to --map: a design document's view has its own.")
        }
    }

    func run() async throws {
        let query = try selection.query()
        let database = try data.open(location, engine: FunctionEngines.inProcess())
        guard let map else {
            let view = try designView(database)
            try await view.update()
            try RowPrinter(view, query).printAll()
            return
        }
        let source = try await database.adHocSource(
            map: try Self.source(map),
            reduce: try reduce.map(Self.source)
        )
        let index = try TemporaryIndex(source, of: database)
        try await index.index.update()
        try RowPrinter(try index.view(), query).printAll()
    }

    /// The view that was named: `_design/x/_view/y`, `_design/x/y` or `x/y`.
    private func designView(_ database: Database) throws -> View {
        var parts = (view ?? "").split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        if parts.first == "_design" { parts.removeFirst() }
        if parts.count > 2, parts[1] == "_view" { parts.remove(at: 1) }
        guard parts.count >= 2, let design = parts.first else {
            throw CommandFailure("\(view ?? "") is not of the form DESIGN/VIEW")
        }
        let name = parts.dropFirst().joined(separator: "/")
        do throws(SettleError) {
            return try database.view(DocumentID("_design/\(design)"), name)
        } catch {
            guard error.kind == .notFound else { throw error }
            throw CommandFailure("there is no view \(name) in _design/\(design) of \(location)")
        }
    }

    /// A function's text, or that of the file it is in.
    private static func source(_ argument: String) throws -> [UInt8] {
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        let path = String(argument.dropFirst())
        guard let text = FileManager.default.contents(atPath: path) else {
            throw CommandFailure("cannot read \(path)")
        }
        return Array(text)
    }
}

/// Which rows, and what of them.
struct RowSelection: ParsableArguments {
    @Option(help: ArgumentHelp("Rows of this key.", valueName: "json"))
    var key: String?

    @Option(help: ArgumentHelp("Rows of these keys, an array, in this order.", valueName: "json"))
    var keys: String?

    @Option(name: .customLong("startkey"), help: ArgumentHelp("Rows from this key on.", valueName: "json"))
    var startKey: String?

    @Option(name: .customLong("endkey"), help: ArgumentHelp("Rows up to this key.", valueName: "json"))
    var endKey: String?

    @Flag(help: "Rows up to, and without, the end key.")
    var excludeEnd = false

    @Flag(help: "Begin with the last row.")
    var descending = false

    @Option(help: ArgumentHelp("At most so many rows.", valueName: "n"))
    var limit: Int?

    @Option(help: ArgumentHelp("Pass over so many rows.", valueName: "n"))
    var skip: Int?

    @Flag(help: "A row for each key.")
    var group = false

    @Option(help: ArgumentHelp("A row for each beginning of so many elements of array keys.", valueName: "n"))
    var groupLevel: Int?

    @Flag(help: "The rows themselves, though there is a reduce function.")
    var noReduce = false

    @Flag(help: "Each row with the document that emitted it, or that its value names.")
    var includeDocs = false

    /// The query, by the rules of the HTTP API.
    func query() throws -> ViewQuery {
        var query = ViewQuery()
        for (name, text) in [("key", key), ("keys", keys), ("startkey", startKey), ("endkey", endKey)] {
            guard let text else { continue }
            guard let value = try? JSONValue(parsing: Array(text.utf8)) else {
                throw CommandFailure("--\(name) \(text) is not JSON; a text is written '\"\(text)\"'")
            }
            try query.set(name, .json(value))
        }
        for (name, number) in [("limit", limit), ("skip", skip), ("group_level", groupLevel)] {
            if let number { try query.set(name, .json(.number(JSONNumber(number)))) }
        }
        if group { query.groups = true }
        if noReduce { query.reduces = false }
        query.isDescending = descending
        query.includesEnd = !excludeEnd
        query.includesDocuments = includeDocs
        return query
    }
}
