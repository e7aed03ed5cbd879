import Settle
import SettleCore

/// The document and the attachment that a path names: `/db/doc/name` or `/db/_design/doc/name`.
///
/// Names may contain slashes, as they are or encoded: all further segments belong to the name.
struct AttachmentPath {
    let id: DocumentID
    /// The name, as UTF-8.
    let name: [UInt8]

    /// Reads a decoded path; nil if it names something else.
    init?(_ segments: [[UInt8]]) {
        guard segments.count > 2 else { return nil }
        // What begins with an underscore may be a database, or the server's own: `/_node/name/_config/…`.
        if segments[0].first == UInt8(ascii: "_") {
            let database = String(decoding: segments[0], as: UTF8.self)
            guard (try? DatabaseName.validate(database)) != nil else { return nil }
        }
        let slash = [UInt8(ascii: "/")]
        // `_design%2Fdoc/name` is the same, if longer to write; only a GET is sent to the other form first.
        let isEncodedDesign = segments[1].count > 8 && segments[1].starts(with: "_design/".utf8)
        guard segments[1].first == UInt8(ascii: "_"), !isEncodedDesign else {
            id = DocumentID(bytes: segments[1])
            name = Array(segments[2...].joined(separator: slash))
            return
        }
        guard segments.count > 3, segments[1].elementsEqual("_design".utf8),
            !Self.functions.contains(where: { segments[3].elementsEqual($0.utf8) })
        else { return nil }
        id = DocumentID(bytes: segments[1] + slash + segments[2])
        name = Array(segments[3...].joined(separator: slash))
    }

    /// What design documents answer themselves.
    static let functions = [
        "_view", "_info", "_show", "_list", "_update", "_rewrite", "_search", "_search_info", "_nouveau",
    ]

    /// Refuses names that no attachment may have.
    func validate() throws(SettleError) {
        try id.validateText()
        try IncomingAttachment.validate(name: name)
        guard String(validating: name, as: UTF8.self) != nil else {
            throw SettleError(.badRequest, "Attachment name is not UTF-8 encoded")
        }
    }
}
