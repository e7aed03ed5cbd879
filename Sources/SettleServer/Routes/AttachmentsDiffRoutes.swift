// `/db/_attachments_diff`: which of these contents does the database not hold? Settle peers ask it before they send attachments.
//
//     {"sha256": ["47DEQpj8…="]}  →  {"missing": []}

import NIOHTTP1
import Settle
import SettleCore

extension ServerCore {
    /// Answers `POST /db/_attachments_diff`.
    func postAttachmentsDiff(_ request: Request, _ database: Database) throws(SettleError) -> Answer {
        guard request.method == .POST else { throw request.notAllowed("POST") }
        try request.requireJSONContentType()
        guard let asked = try readingJSON({ try ContentKeys.asked(json: request.body) }) else {
            throw SettleError(.badRequest, "POST body must include a `sha256` array.")
        }
        let missing = try database.read { snapshot in try asked.filter { try !snapshot.holds($0) } }
        return .now(Response(body: ContentKeys.answer(missing: missing) + [UInt8(ascii: "\n")]))
    }
}
