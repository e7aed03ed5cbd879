// `settle attach`: files that belong to documents.

import ArgumentParser
import Settle
import SettleCore

struct AttachCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "attach",
        abstract: "Put files into documents, and get them out.",
        discussion: """
            An attachment has a name, a media type and content of any size. It belongs to a document, and to change it is \
            to make a new revision of the document.
            """,
        subcommands: [AttachPutCommand.self, AttachGetCommand.self, AttachListCommand.self]
    )
}

/// The document that an `attach` command works on.
struct AttachedDocument: ParsableArguments {
    @Argument(help: ArgumentHelp("The database: a name or a path.", valueName: "db"))
    var location: Location

    @Argument(help: ArgumentHelp("The document's id.", valueName: "doc"))
    var document: String

    @OptionGroup var data: DataOptions

    var id: DocumentID { DocumentID(document) }

    func database() throws -> Database { try data.open(location) }

    /// The failure that says that the document has no such attachment, or that there is no such document.
    func missing(_ name: String, in database: Database) throws -> CommandFailure {
        guard try database.document(id) != nil else { return missingDocument }
        return CommandFailure("document \(document) has no attachment \(name)")
    }

    var missingDocument: CommandFailure { CommandFailure("there is no document \(document) in \(location)") }
}
