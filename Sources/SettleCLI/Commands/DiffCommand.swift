// `settle diff`: whether two databases hold the same documents.
//
// Replicas agree when they have the same leaf revisions of every document: a revision's id is a digest of its content
// and its ancestry, so nothing else needs to be compared. Both sides are read as a replicator reads them, by their
// changes, which is why any mix of local databases and URLs works.

import ArgumentParser
import Settle
import SettleCore
import SettleReplication

struct DiffCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "diff",
        abstract: "Compare two databases, revision by revision.",
        discussion: """
            Prints a line for each leaf revision that only one of them has: "<" for the first, ">" for the second, then \
            the document's id as JSON and the revision. The exit status is 0 if there is none, 1 if the databases \
            differ, and 2 if they could not be compared.
            """
    )

    @Argument(help: ArgumentHelp("A database: a name, a path or a URL.", valueName: "a"))
    var first: Location

    @Argument(help: ArgumentHelp("Another one.", valueName: "b"))
    var second: Location

    @Flag(name: .shortAndLong, help: "Print nothing; the exit status tells.")
    var quiet = false

    @OptionGroup var data: DataOptions

    func run() async throws {
        let difference: LeafDifference
        do {
            difference = try await compare()
        } catch let failure as PeerFailure {
            throw CommandFailure(failure.reason, status: 2)
        } catch let failure as CommandFailure {
            throw CommandFailure(failure.reason, status: 2)
        } catch let error as SettleError {
            throw CommandFailure(error.reason, status: 2)
        }
        if !quiet { try StandardOutput.write(difference.lines) }
        if !difference.isEmpty { throw CommandFailure(nil, status: 1) }
    }

    private func compare() async throws -> LeafDifference {
        var difference = LeafDifference()
        try await read(try data.peer(first)) { difference.first($0) }
        try await read(try data.peer(second)) { difference.second($0) }
        return difference
    }

    private func read(_ peer: any Peer, _ body: (ChangedDocument) -> Void) async throws {
        _ = try await peer.information()
        var query = ChangesRequest(since: .zero, limit: 5000)
        while true {
            let page = try await peer.changes(query)
            page.rows.forEach(body)
            guard !page.rows.isEmpty, page.lastSequence != query.since else { return }
            query.since = page.lastSequence
        }
    }
}

/// The leaf revisions that only one of two databases has.
struct LeafDifference {
    private var onlyFirst: [DocumentID: Set<RevisionID>] = [:]
    private var onlySecond: [DocumentID: Set<RevisionID>] = [:]

    var isEmpty: Bool { onlyFirst.isEmpty && onlySecond.isEmpty }

    /// Takes a document of the first database, all of which come before the second's.
    mutating func first(_ document: ChangedDocument) {
        onlyFirst[document.id] = Set(document.revisions)
    }

    /// Takes a document of the second database.
    mutating func second(_ document: ChangedDocument) {
        let leaves = Set(document.revisions)
        let common = onlyFirst[document.id] ?? []
        let rest = common.subtracting(leaves)
        onlyFirst[document.id] = rest.isEmpty ? nil : rest
        let added = leaves.subtracting(common)
        onlySecond[document.id] = added.isEmpty ? nil : added
    }

    /// A line per revision, by id.
    var lines: [UInt8] {
        var output: [UInt8] = []
        for id in Set(onlyFirst.keys).union(onlySecond.keys).sorted() {
            for (mark, side) in [("<", onlyFirst), (">", onlySecond)] {
                for revision in (side[id] ?? []).sorted() {
                    output += "\(mark) ".utf8
                    JSONText.appendString(id.bytes, to: &output)
                    output += " ".utf8
                    revision.append(to: &output)
                    output += "\n".utf8
                }
            }
        }
        return output
    }
}
