// `settle attach ls`: what is attached to a document.

import ArgumentParser
import Settle
import SettleCore

struct AttachListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ls",
        abstract: "List a document's attachments.",
        discussion: """
            One line per attachment: a table on a terminal, otherwise JSON objects with name, content_type, length, \
            digest and revpos.
            """
    )

    @OptionGroup var document: AttachedDocument

    func run() async throws {
        let database = try document.database()
        guard try database.document(document.id) != nil else { throw document.missingDocument }
        let attachments = try database.attachments(of: document.id)
        guard StandardOutput.isTerminal else {
            for attachment in attachments { try StandardOutput.writeLine(Self.json(attachment).text) }
            return
        }
        let width = attachments.map(\.name.count).max() ?? 0
        for attachment in attachments {
            let padding = String(repeating: " ", count: width - attachment.name.count)
            let length = Shown.bytes(UInt64(attachment.length))
            try StandardOutput.writeLine(
                "\(attachment.name)\(padding)  \(length)  \(attachment.contentType)"
            )
        }
    }

    private static func json(_ attachment: AttachmentDescription) -> JSONValue {
        [
            "name": .string(attachment.name), "content_type": .string(attachment.contentType),
            "length": .number(JSONNumber(attachment.length)), "digest": .string(attachment.digest),
            "revpos": .number(JSONNumber(attachment.generation)),
        ]
    }
}
