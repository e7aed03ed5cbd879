// The document that `include_docs` adds to a view's row.
//
//     emit(k, 1)                          the document that emitted the row
//     emit(k, {_id: "other"})             another one: a join
//     emit(k, {_rev: "1-…"})              the emitting document as it was
//     emit(k, {_id: "other", _rev: …})    another one as it was
//     emit(k, {_id: null})                none
//
// The subtle thing: a document that isn't the emitting one comes plain, whatever conflicts and attachments were asked
// for, as in CouchDB.

package import Settle
package import SettleCore

/// Which document belongs to a row.
package struct LinkedDocument {
    private var id: DocumentID?
    private var revision: RevisionID?
    private var isAnother = false

    package init(_ row: ViewRow) {
        id = DocumentID(bytes: Array(row.id))
        guard row.value.first == UInt8(ascii: "{"),
            let link = try? JSONValue(parsing: Array(row.value)).object
        else { return }
        if let named = link["_id"] {
            id = named.string.map { DocumentID($0) }
            isAnother = true
        }
        if let named = link["_rev"] {
            revision = named.string.flatMap { RevisionID($0) }
            if revision == nil { id = nil }
        }
    }

    /// Appends the document, or `null` if there is none.
    package func append(
        _ query: ViewQuery,
        _ snapshot: borrowing Snapshot,
        to output: inout SegmentedBytes
    ) throws {
        var options: DocumentOptions = []
        if !isAnother {
            if query.includesConflicts == true { options.insert(.conflicts) }
            if query.includesAttachments { options.insert(.attachments) }
            if query.includesEncodingInfo { options.insert(.encodingInfo) }
        }
        if let id, let record = try snapshot.document(id) {
            let outcome = try snapshot.append(id, record, revision: revision, options, to: &output)
            if case .found = outcome { return }
        }
        output.bytes.append(contentsOf: "null".utf8)
    }
}
