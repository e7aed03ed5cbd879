// The views of one database: which index belongs to which design document.
//
// A design document is read and taken apart once per revision; asking for one of its views again costs a look at its row.
// An index is shared by everything that has its signature.

import SettleCollation
package import SettleCore
import SettleStorage
import Synchronization

/// What a database remembers of its views while it is in use.
final class DatabaseViews: Sendable {
    private struct Known {
        var revision: RevisionID
        var source: ViewSource
    }

    private struct State {
        var sources: [DocumentID: Known] = [:]
        var indexes: [String: SharedIndex] = [:]
    }

    /// More design documents than this are taken apart anew each time.
    private static let limit = 1024

    let upkeep = ViewUpkeep()
    private let state = Mutex(State())

    func source(_ id: DocumentID, _ revision: RevisionID) -> ViewSource? {
        state.withLock { state in
            guard let known = state.sources[id], known.revision == revision else { return nil }
            return known.source
        }
    }

    func remember(_ source: ViewSource, _ id: DocumentID, _ revision: RevisionID) {
        state.withLock { state in
            if state.sources.count >= Self.limit { state.sources = [:] }
            state.sources[id] = Known(revision: revision, source: source)
        }
    }

    /// The index in a directory; there is one object for it as long as the database is in use.
    func index(_ name: String, of database: Database) -> SharedIndex {
        state.withLock { state in
            if let index = state.indexes[name] { return index }
            let index = SharedIndex(
                directory: "\(database.directory)/views/\(name)",
                options: database.options
            )
            state.indexes[name] = index
            return index
        }
    }

    /// Those that were asked for so far.
    var indexes: [String: SharedIndex] { state.withLock { $0.indexes } }

    /// Whether any view of a design document was asked for.
    var isInUse: Bool { state.withLock { !$0.sources.isEmpty } }

    /// The design documents whose views were asked for.
    var designs: [DocumentID] { state.withLock { Array($0.sources.keys) } }

    /// Closes all files until they are used again.
    func close() {
        for index in indexes.values { index.release(nil) }
    }
}

extension Database {
    /// The view of a design document.
    ///
    /// - Throws: `notFound` (`missing`, `deleted`, `missing_named_view`); `unknownQueryLanguage` or `notImplemented` where
    ///   nothing here can run its functions.
    package func view(_ design: DocumentID, _ name: String) throws(SettleError) -> View {
        let (source, position) = try read { snapshot in
            (try snapshot.viewSource(design), try snapshot.position)
        }
        guard let definition = source.group.view(name) else {
            throw SettleError(.notFound, "missing_named_view")
        }
        guard source.mapper != nil else { throw ViewSource.noEngine(source.group.language) }
        return View(index: viewIndex(source), definition: definition, position: position) {
            self.predecessors(of: design, name)
        }
    }

    /// The index of a design document.
    ///
    /// - Throws: `notFound` where there is no such document.
    package func viewIndex(_ design: DocumentID) throws(SettleError) -> ViewIndex {
        viewIndex(try read { snapshot in try snapshot.viewSource(design) })
    }

    /// The index of any source of rows.
    package func viewIndex(_ source: ViewSource) -> ViewIndex {
        ViewIndex(database: self, source: source, shared: views.index(source.directoryName, of: self))
    }

    /// A view of any source of rows.
    package func view(_ source: ViewSource, _ name: String) throws(SettleError) -> View {
        guard let definition = source.group.view(name) else {
            throw SettleError(.notFound, "missing_named_view")
        }
        let index = viewIndex(source)
        return View(index: index, definition: definition, position: try index.position())
    }

    /// The view of that name in earlier revisions of a design document, the newest first, where they are still there.
    private func predecessors(of design: DocumentID, _ name: String) -> [View] {
        let found = try? read { snapshot in
            let position = try snapshot.position
            return try snapshot.earlierViewSources(design).compactMap { source -> View? in
                guard let definition = source.group.view(name) else { return nil }
                return View(index: viewIndex(source), definition: definition, position: position)
            }
        }
        return found ?? []
    }

    /// What the indexes of this database are sorted by.
    var collator: any StringCollator {
        get throws(SettleError) { try ICUCollator.shared }
    }

    /// The version of that.
    var collatorVersion: [UInt8] {
        get throws(SettleError) {
            if let version = options.collatorVersion { return Array(version.utf8) }
            return Array(try collator.version.utf8)
        }
    }
}

extension Snapshot {
    /// The views of a design document as it is now.
    func viewSource(_ design: DocumentID) throws -> ViewSource {
        guard let value = try transaction.value(tables.documents, design.bytes) else {
            throw SettleError(.notFound)
        }
        let summary = try DocumentSummary(decoding: value)
        guard !summary.isDeleted else { throw SettleError(.notFound, "deleted") }
        if let known = database.views.source(design, summary.winner) { return known }
        var text: [UInt8] = []
        _ = try appendWinner(design, to: &text)
        let source = try ViewSource(designDocument: text, design, of: database)
        database.views.remember(source, design, summary.winner)
        return source
    }

    /// The views of a design document's earlier revisions, as far as their bodies are still there.
    fileprivate func earlierViewSources(_ design: DocumentID) throws -> [ViewSource] {
        guard let record = try document(design) else { return [] }
        let tree = try tree(of: record)
        guard let winner = tree.winner else { return [] }
        var sources: [ViewSource] = []
        for node in tree.path(from: winner).dropFirst().prefix(16) {
            var text: [UInt8] = []
            guard
                try append(design, tree, node: node, sequence: record.sequence, [], to: &text),
                let source = try? ViewSource(designDocument: text, design, of: database)
            else { continue }
            sources.append(source)
        }
        return sources
    }
}

extension ViewSource {
    /// The views of a design document of a database, run by its engine if there is one.
    init(designDocument text: [UInt8], _ id: DocumentID, of database: Database) throws(SettleError) {
        let group = try ViewGroup(designDocument: text)
        let engine = group.language == "javascript" ? database.options.functionEngine : nil
        let program = FunctionProgram(group, scope: database.name)
        self.init(
            group: group,
            title: id.text,
            mapper: engine.map { EngineMapper(engine: $0, program: program) },
            reduceEngine: engine.map {
                EngineReducer(engine: $0, program: program, sources: group.reduceFunctions)
            },
            directoryPrefix: ""
        )
    }
}
