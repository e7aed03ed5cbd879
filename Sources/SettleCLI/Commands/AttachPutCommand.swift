// `settle attach put`: a file becomes a document's attachment. It is read once and never held in memory.

import ArgumentParser
import Foundation
import Settle
import SettleCore

struct AttachPutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put",
        abstract: "Attach a file to a document.",
        discussion: """
            The document is created if there is none; an attachment of the same name is replaced. Prints the document's \
            new revision.
            """
    )

    @OptionGroup var document: AttachedDocument

    @Argument(help: "The attachment's name.")
    var name: String

    @Argument(help: "The file; - for standard input.")
    var file: String

    @Option(
        help: ArgumentHelp(
            "The media type (default: by the name's extension, else application/octet-stream).",
            valueName: "media-type"
        )
    )
    var type: String?

    func run() async throws {
        let database = try document.database()
        let id = document.id
        let current = try database.document(id)?.revision
        let contentType = type ?? MediaType.named(by: name)
        let revision: RevisionID
        if file == "-" {
            revision = try await database.attach(
                StandardInputParts(),
                named: name,
                contentType: contentType,
                to: id,
                replacing: current
            )
        } else {
            revision = try await database.attach(
                fileAt: file,
                named: name,
                contentType: contentType,
                to: id,
                replacing: current
            )
        }
        try StandardOutput.writeLine("\(revision)")
    }
}

/// Standard input, part by part.
private struct StandardInputParts: AsyncSequence, AsyncIteratorProtocol {
    func makeAsyncIterator() -> StandardInputParts { self }

    func next() async throws -> Data? {
        let part = try FileHandle.standardInput.read(upToCount: 1 << 18)
        return part?.isEmpty == false ? part : nil
    }
}

/// Media types by extension, for the files people attach most.
enum MediaType {
    private static let types: [String: String] = [
        "txt": "text/plain", "md": "text/markdown", "html": "text/html", "css": "text/css", "csv": "text/csv",
        "js": "application/javascript", "json": "application/json", "xml": "application/xml",
        "pdf": "application/pdf", "zip": "application/zip", "gz": "application/gzip",
        "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif",
        "webp": "image/webp",
        "svg": "image/svg+xml", "heic": "image/heic", "mp3": "audio/mpeg", "m4a": "audio/mp4",
        "wav": "audio/wav",
        "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    ]

    /// The type that a name's extension stands for.
    static func named(by name: String) -> String {
        let parts = name.split(separator: ".")
        guard parts.count > 1, let last = parts.last, let type = types[last.lowercased()] else {
            return "application/octet-stream"
        }
        return type
    }
}
