// `settle load`: documents from a file into a database.
//
// Reading, parsing and writing overlap: while one batch is being committed, the next is read and parsed. One batch is
// one transaction, or shares one with others that wait; it is on disk before it is reported.

import ArgumentParser
import Foundation
import Settle
import SettleCore

struct LoadCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Write documents from a file into a database.",
        discussion: """
            The file holds JSON documents one after the other (JSON lines), or one JSON array of them. The database is \
            created if there is none. A document without _id gets one; a document with _rev replaces that revision.

            While it runs, one line on a terminal shows the progress; otherwise standard output gets one JSON object \
            per batch. Documents that are refused are named on standard error, and the exit status is 3.
            """
    )

    @Argument(help: ArgumentHelp("The database: a name or a path.", valueName: "db"))
    var location: Location

    @Argument(help: "The file of documents; - for standard input.")
    var file: String

    @Option(help: ArgumentHelp("How many documents go into one batch.", valueName: "count"))
    var batch = 1000

    @Flag(
        help: "The documents come with their revisions, as `settle dump --revisions` writes them: keep those."
    )
    var revisions = false

    @OptionGroup var data: DataOptions

    func validate() throws {
        guard batch > 0 else { throw ValidationError("a batch has at least one document") }
    }

    func run() async throws {
        let input = try DocumentInput(file)
        var load = DocumentLoad(
            database: try data.open(location, creating: true),
            keepsRevisions: revisions,
            batchSize: batch,
            inputSize: input.size
        )
        do {
            while let documents = try input.next() {
                for document in documents {
                    try await load.add(document)
                }
                load.bytesRead = input.bytesRead
            }
        } catch let problem as DocumentInput.Problem {
            try await load.finish()
            throw CommandFailure(
                "\(problem.reason); \(Shown.count(load.written)) documents were written before that"
            )
        }
        try await load.finish()
        if load.refused > 0 {
            let count = Shown.count(load.refused)
            throw CommandFailure("\(count) documents were not written", status: CommandFailure.partial)
        }
    }
}

/// Documents on their way into a database, batch by batch.
private struct DocumentLoad {
    /// More refusals than this are counted, not named.
    private static let namedRefusals = 20
    /// A batch is written when its documents have this many bytes, however few they are.
    private static let batchBytes = 8 << 20

    let database: Database
    let keepsRevisions: Bool
    let batchSize: Int
    let inputSize: Int?
    var bytesRead = 0
    private(set) var written = 0
    private(set) var refused = 0
    private var seen = 0
    private var edits: [DocumentEdit] = []
    private var editBytes = 0
    private var committing: Task<[(DocumentID, EditOutcome)], any Error>?
    private var progress = ProgressReporter()

    init(database: Database, keepsRevisions: Bool, batchSize: Int, inputSize: Int?) {
        self.database = database
        self.keepsRevisions = keepsRevisions
        self.batchSize = batchSize
        self.inputSize = inputSize
    }

    mutating func add(_ bytes: [UInt8]) async throws {
        seen += 1
        do throws(SettleError) {
            let document = try IncomingDocument(parsing: bytes)
            let id = document.id ?? DocumentID(Self.newIdentity())
            guard !id.isLocal else {
                throw SettleError(.illegalDocumentID, "local documents can't be loaded")
            }
            edits.append(
                keepsRevisions ? try .replicated(document, id: id) : try .interactive(document, id: id)
            )
            editBytes += bytes.count
        } catch {
            refuse("document \(seen)", error)
        }
        if edits.count >= batchSize || editBytes >= Self.batchBytes { try await commit() }
    }

    mutating func finish() async throws {
        try await commit()
        try await settle()
        let rate = Shown.rate(written, progress.elapsed)
        let refusals = refused > 0 ? ", \(Shown.count(refused)) refused" : ""
        try progress.finish(event("finished"), "\(Shown.count(written)) documents\(refusals), \(rate)")
    }

    /// Hands the batch to the writer and waits for the one before.
    private mutating func commit() async throws {
        try await settle()
        guard !edits.isEmpty else { return }
        let (batch, database) = (edits, database)
        edits = []
        editBytes = 0
        committing = Task {
            guard case .edits(let outcomes) = try await database.perform(.edits(batch)) else { return [] }
            return Array(zip(batch.map(\.id), outcomes))
        }
    }

    /// Waits for the batch under way and counts what came of it.
    private mutating func settle() async throws {
        guard let task = committing else { return }
        committing = nil
        for (id, outcome) in try await task.value {
            switch outcome {
            case .written: written += 1
            case .failed(let error): refuse(id.text, error)
            }
        }
        let rate = Shown.rate(written, progress.elapsed)
        let share = inputSize.map { Double(bytesRead) / Double(max($0, 1)) }
        let bar = share.map { "\(Shown.bar($0)) \(Int($0 * 100)) %  " } ?? ""
        let count = Shown.count(written)
        try progress.report(event("loaded"), "\(bar)\(count) documents  \(rate)")
    }

    private func event(_ name: String) -> ProgressEvent {
        ProgressEvent(
            name: name,
            values: [
                ("documents", .number(JSONNumber(written))),
                ("refused", .number(JSONNumber(refused))),
                ("seconds", .number(JSONNumber(progress.elapsed / .seconds(1)))),
            ]
        )
    }

    private mutating func refuse(_ what: String, _ error: SettleError) {
        refused += 1
        if refused <= Self.namedRefusals {
            StandardError.say("\(what): \(error)")
        } else if refused == Self.namedRefusals + 1 {
            StandardError.say("further refusals are only counted")
        }
    }

    private static func newIdentity() -> String {
        UUID().uuidString.replacing("-", with: "").lowercased()
    }
}
