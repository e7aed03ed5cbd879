// What was purged, kept so that indexes and peers can forget it too.

package import SettleCore
import SettleStorage

/// One purge of one document.
package struct PurgeRecord: Sendable, Hashable {
    /// Its place in the order of purges.
    package let sequence: UInt64
    /// A random name, as CouchDB gives each purge.
    package let uuid: String
    /// The document that lost revisions.
    package let id: DocumentID
    /// The leaves that were removed.
    package let revisions: [RevisionID]

    init(sequence: UInt64, uuid: String, id: DocumentID, revisions: [RevisionID]) {
        self.sequence = sequence
        self.uuid = uuid
        self.id = id
        self.revisions = revisions
    }

    init(sequence: UInt64, decoding bytes: borrowing Span<UInt8>) throws(StorageError) {
        var offset = 0
        self.sequence = sequence
        uuid = String(decoding: try bytes.text(&offset), as: UTF8.self)
        id = DocumentID(bytes: try bytes.text(&offset))
        var revisions: [RevisionID] = []
        while offset < bytes.count {
            guard let revision = RevisionID(text: try bytes.text(&offset)) else { throw .corrupted }
            revisions.append(revision)
        }
        self.revisions = revisions
    }

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        for text in [Array(uuid.utf8), id.bytes] + revisions.map({ Array($0.text.utf8) }) {
            appendVarint(UInt64(text.count), to: &bytes)
            bytes.append(contentsOf: text)
        }
        return bytes
    }
}
