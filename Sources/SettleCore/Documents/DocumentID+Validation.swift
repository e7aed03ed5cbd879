extension DocumentID {
    /// Refuses ids that no document may have, in CouchDB's words: empty, or with an underscore in front that isn't
    /// `_design/…` or `_local/…`.
    package func validate() throws(SettleError) {
        guard bytes.first == 0x5F || bytes.isEmpty else { return }
        if bytes.isEmpty { throw SettleError(.illegalDocumentID, "Document id must not be empty") }
        guard isDesign || isLocal else {
            throw SettleError(.illegalDocumentID, "Only reserved document ids may start with underscore.")
        }
        if bytes.last == 0x2F, bytes.count == (isDesign ? 8 : 7) {
            throw SettleError(.illegalDocumentID, "Illegal document id `\(text)`")
        }
    }
}
