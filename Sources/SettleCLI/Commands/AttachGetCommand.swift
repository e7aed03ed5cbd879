// `settle attach get`: an attachment's content into a file. The file appears when it is complete, not before.

import ArgumentParser
import Foundation
import Settle
import SettleCore

struct AttachGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get",
        abstract: "Write an attachment's content into a file."
    )

    @OptionGroup var document: AttachedDocument

    @Argument(help: "The attachment's name.")
    var name: String

    @Argument(help: "The file to write, which may not exist yet; - or nothing for standard output.")
    var file = "-"

    func run() async throws {
        let database = try document.database()
        guard let content = try database.attachment(name, of: document.id) else {
            throw try document.missing(name, in: database)
        }
        if file == "-" {
            for try await part in content { try StandardOutput.write(part) }
        } else {
            try await write(content)
        }
    }

    private func write(_ content: AttachmentContent) async throws {
        let files = FileManager.default
        guard !files.fileExists(atPath: file) else { throw CommandFailure("\(file) exists already") }
        let draft = "\(file).\(UUID().uuidString).part"
        guard files.createFile(atPath: draft, contents: nil), let handle = FileHandle(forWritingAtPath: draft)
        else { throw CommandFailure("cannot write \(file)") }
        do {
            for try await part in content { try handle.write(contentsOf: Data(part)) }
            try handle.close()
            try files.moveItem(atPath: draft, toPath: file)
        } catch {
            try? files.removeItem(atPath: draft)
            throw error
        }
    }
}
