// `settle dump`: a database as JSON lines.
//
// A piece at a time: what a reader takes slowly must not hold a view of the database open, so each piece is read from a
// snapshot of its own and the next goes on after the last id. Documents written meanwhile may or may not be in it.

import ArgumentParser
import Settle
import SettleCore

struct DumpCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dump",
        abstract: "Write a database's documents as JSON lines.",
        discussion: """
            One document per line, in order of id, without revisions: what `settle load` takes to make the same \
            documents in another database. With --revisions every leaf revision is written with its ancestry, deleted \
            ones too; `settle load --revisions` makes the same revisions of that.
            """
    )

    @Argument(help: ArgumentHelp("The database: a name or a path.", valueName: "db"))
    var location: Location

    @Flag(help: "Write every leaf revision with its ancestry, deleted ones too.")
    var revisions = false

    @OptionGroup var data: DataOptions

    func run() throws {
        let database = try data.open(location)
        var last: DocumentID?
        var isFinished = false
        var output: [UInt8] = []
        while !isFinished {
            output.removeAll(keepingCapacity: true)
            (last, isFinished) = try database.read { snapshot in
                try DocumentDump(withRevisions: revisions).append(after: last, snapshot, to: &output)
            }
            try StandardOutput.write(output)
        }
    }
}

/// Turns documents into lines.
private struct DocumentDump {
    /// Bytes after which a piece ends.
    private static let piece = 1 << 18

    let withRevisions: Bool

    /// Appends the lines of one piece; the last id in it, and whether it was the last piece.
    func append(
        after last: DocumentID?,
        _ snapshot: borrowing Snapshot,
        to output: inout [UInt8]
    ) throws -> (last: DocumentID?, isFinished: Bool) {
        var rows = try snapshot.documentCursor()
        var last = last
        var found = try last.map { try rows.seek(atLeast: $0) } ?? rows.first()
        if found, let last, rows.id == last { found = try rows.next() }
        while found {
            let id = rows.id
            if withRevisions {
                try appendLeaves(of: id, snapshot, to: &output)
            } else if !rows.isDeleted {
                let start = output.count
                try rows.appendDocument([], in: snapshot, to: &output)
                try removeRevision(id, rows.revision, from: start, in: &output)
                output.append(UInt8(ascii: "\n"))
            }
            last = id
            if output.count >= Self.piece { return (last, false) }
            found = try rows.next()
        }
        return (last, true)
    }

    /// Takes `,"_rev":"…"` out of a document that was appended from `start` on: it stands right after the id.
    private func removeRevision(
        _ id: DocumentID,
        _ revision: RevisionID,
        from start: Int,
        in output: inout [UInt8]
    ) throws {
        var head = Array("{\"_id\":".utf8)
        JSONText.appendString(id.bytes, to: &head)
        var member = Array(",\"_rev\":\"".utf8)
        revision.append(to: &member)
        member.append(UInt8(ascii: "\""))
        let range = start + head.count..<start + head.count + member.count
        guard range.upperBound <= output.count, output[range].elementsEqual(member) else {
            throw SettleError(.internalError, "document \(id) does not begin with its id and revision")
        }
        output.removeSubrange(range)
    }

    private func appendLeaves(of id: DocumentID, _ snapshot: borrowing Snapshot, to output: inout [UInt8])
        throws
    {
        guard let record = try snapshot.document(id) else { return }
        let tree = try snapshot.tree(of: record)
        for leaf in tree.leaves
        where try snapshot.append(id, tree, node: leaf, sequence: record.sequence, .revisions, to: &output) {
            output.append(UInt8(ascii: "\n"))
        }
    }
}
