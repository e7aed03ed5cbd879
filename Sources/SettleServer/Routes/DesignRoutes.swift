// `/db/_design/name/_resource/…`: what design documents are for.

import Settle
import SettleCore

extension ServerCore {
    /// Answers `/db/_design/name` and everything below it.
    func routeDesign(
        _ request: Request,
        _ database: Database,
        _ path: [[UInt8]]
    ) throws(SettleError) -> Answer {
        guard path.count > 2 else { return try document(request, database, DocumentID(bytes: path[1])) }
        let design = DocumentID(bytes: path[1] + [UInt8(ascii: "/")] + path[2])
        guard path.count > 3 else { return try document(request, database, design) }
        let rest = path.dropFirst(4).map { String(decoding: $0, as: UTF8.self) }
        switch String(decoding: path[3], as: UTF8.self) {
        case "_view":
            let name = rest.first ?? ""
            if rest.count == 1 { return try view(request, database, design, name) }
            if rest.count == 2, rest[1].utf8.elementsEqual("queries".utf8) {
                return try postViewQueries(request, database, design, name)
            }
            throw request.notAllowed("GET,POST,HEAD")
        case "_info" where rest.isEmpty:
            return try getViewInfo(request, database, design)
        case "_update" where !rest.isEmpty:
            return try update(request, database, design, rest[0], Self.document(in: path))
        case "_show" where !rest.isEmpty:
            return try show(request, database, design, rest[0], Self.document(in: path))
        case "_list" where rest.count == 2:
            return try list(request, database, design, rest[0], view: (design, rest[1]))
        case "_list" where rest.count == 3:
            let other = DocumentID("_design/\(rest[1])")
            return try list(request, database, design, rest[0], view: (other, rest[2]))
        case "_rewrite":
            return try rewrite(request, database, design)
        case "_update": throw SettleError(.badUpdatePath)
        case "_show": throw SettleError(.badShowPath)
        case "_list": throw SettleError(.badListPath)
        default: break
        }
        if let path = AttachmentPath(path) { return try attachment(request, database, path) }
        throw SettleError(.notFound, "missing")
    }

    /// The document's id behind a function's name; ids may have slashes.
    private static func document(in path: [[UInt8]]) -> DocumentID? {
        let parts = path.dropFirst(5)
        return parts.isEmpty ? nil : DocumentID(bytes: Array(parts.joined(separator: [UInt8(ascii: "/")])))
    }
}
