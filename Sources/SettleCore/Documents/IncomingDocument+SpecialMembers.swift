// What the special members say, and CouchDB's words where they say nothing sensible.

extension IncomingDocument {
    /// Reads the special members that were located, or throws the error of the first that is wrong.
    mutating func interpret(_ parts: Parts) throws(SettleError) {
        guard parts.isObject else { throw SettleError(.badRequest, "Document must be a JSON object") }
        var failure = parts.unknown.map { ($0.offset, Self.badMember($0.name)) }
        func note(_ error: SettleError, at range: Range<Int>) {
            guard failure.map({ range.lowerBound < $0.0 }) ?? true else { return }
            failure = (range.lowerBound, error)
        }
        if let range = parts.id {
            do { id = try Self.id(parts.text, range) } catch { note(error, at: range) }
        }
        if let range = parts.ancestry {
            do {
                ancestry = try Self.ancestry(parts.text, range)
                revision = ancestry?.first
            } catch { note(error, at: range) }
        }
        // A `_rev` after `_revisions` that said something is not even looked at.
        if let range = parts.revision,
            ancestry == nil || range.lowerBound < (parts.ancestry?.lowerBound ?? .max)
        {
            do {
                let named = try Self.revision(parts.text, range)
                revision = revision ?? named
            } catch { note(error, at: range) }
        }
        if let range = parts.isDeleted {
            switch parts.text[range.lowerBound] {
            case 0x74: isDeleted = true
            case 0x66: isDeleted = false
            default: note(Self.badMember("_deleted"), at: range)
            }
        }
        if let range = parts.attachments {
            do { attachments = try Self.attachments(parts.text, range) } catch { note(error, at: range) }
        }
        if let failure { throw failure.1 }
    }

    private static func badMember(_ name: String) -> SettleError {
        SettleError(.documentValidation, "Bad special document member: \(name)")
    }

    private static func id(_ text: [UInt8], _ range: Range<Int>) throws(SettleError) -> DocumentID {
        guard let bytes = stringBytes(text, range) else {
            throw SettleError(.illegalDocumentID, "Document id must be a string")
        }
        let id = DocumentID(bytes: bytes)
        try id.validate()
        return id
    }

    private static func revision(_ text: [UInt8], _ range: Range<Int>) throws(SettleError) -> RevisionID {
        guard let bytes = stringBytes(text, range), let revision = RevisionID(text: bytes) else {
            throw SettleError(.badRequest, "Invalid rev format")
        }
        return revision
    }

    /// The text of a value that is a string.
    private static func stringBytes(_ text: [UInt8], _ range: Range<Int>) -> [UInt8]? {
        guard text[range.lowerBound] == 0x22 else { return nil }
        let content = range.lowerBound + 1..<range.upperBound - 1
        let scanner = JSONScanner(text, in: range)
        return scanner.text(content, hasEscapes: text[content].contains(0x5C))
    }

    /// `{"start":3,"ids":[newest, …]}`; nil if it lists no ids.
    private static func ancestry(_ text: [UInt8], _ range: Range<Int>) throws(SettleError) -> [RevisionID]? {
        guard text[range.lowerBound] == 0x7B else { throw badMember("_revisions") }
        var start: UInt64?
        var ids: [RevisionDigest]?
        var failure: SettleError?
        do {
            var reader = JSONReader(text, in: range)
            guard try reader.enterObject() else { return nil }
            while try reader.nextMember() {
                if reader.nameIs("start") {
                    start = try reader.int().flatMap { UInt64(exactly: $0) }
                } else if reader.nameIs("ids") {
                    (ids, failure) = try digests(&reader)
                }
            }
        } catch {
            throw SettleError(error)
        }
        guard let start else { throw SettleError(.documentValidation, "_revisions.start isn't an integer.") }
        guard let ids else { throw SettleError(.documentValidation, "_revisions.ids isn't a array.") }
        if let failure { throw failure }
        guard !ids.isEmpty else { return nil }
        guard start >= UInt64(ids.count - 1) else {
            throw SettleError(.documentValidation, "_revisions.start is less than the number of ids.")
        }
        return ids.enumerated().map { RevisionID(start - UInt64($0.offset), $0.element) }
    }

    /// The digests of an array that comes next, up to the first that is none; nil if it is something else.
    private static func digests(
        _ reader: inout JSONReader
    ) throws(JSONError) -> ([RevisionDigest]?, SettleError?) {
        guard try reader.enterArray() else { return (nil, nil) }
        var digests: [RevisionDigest] = []
        var failure: SettleError?
        while try reader.nextElement() {
            guard failure == nil else { continue }
            guard let text = try reader.stringBytes() else {
                failure = SettleError(.documentValidation, "RevId isn't a string")
                continue
            }
            if let digest = RevisionDigest(text: text) {
                digests.append(digest)
            } else {
                failure = SettleError(.documentValidation, "RevId isn't a valid hexadecimal")
            }
        }
        return (digests, failure)
    }

    /// The entries that are objects, as CouchDB drops the others; nil if there are none.
    private static func attachments(
        _ text: [UInt8],
        _ range: Range<Int>
    ) throws(SettleError) -> IncomingAttachments? {
        guard text[range.lowerBound] == 0x7B else { throw badMember("_attachments") }
        do {
            var reader = JSONReader(text, in: range)
            return try IncomingAttachments(&reader)
        } catch {
            throw SettleError(error)
        }
    }
}
