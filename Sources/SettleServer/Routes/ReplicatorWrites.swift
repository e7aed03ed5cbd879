// What is written into replicator databases is looked at first: a document that can't become a job is refused, and one
// that can gets its owner.

import Settle
import SettleCore

extension ServerCore {
    /// A document as it is to be stored: in a replicator database with its owner.
    func checked(
        _ document: IncomingDocument,
        as id: DocumentID?,
        for database: Database,
        by user: UserContext
    ) throws(SettleError) -> IncomingDocument {
        guard ReplicatorDocument.isReplicator(database: database.name), !document.isDeleted,
            id?.isLocal != true,
            id?.isDesign != true
        else { return document }
        let members: JSONObject
        do {
            members = try JSONValue(parsing: document.body).object ?? JSONObject()
        } catch {
            throw SettleError(error)
        }
        var document = document
        let writer = ReplicatorDocument.User(name: user.name, isAdministrator: user.isAdministrator)
        try document.replaceBody(with: try ReplicatorDocument.checked(members, writtenBy: writer))
        return document
    }
}
