/// The `_attachments` of a document from outside, looked through but for what its entries mean.
///
/// Content in base64 is not copied: it stays in the text that was read. Of entries with one name the last counts, as
/// everywhere in JSON; entries that are no objects are dropped.
package struct IncomingAttachments: Sendable {
    /// One entry.
    struct Entry: Sendable {
        /// The name, as UTF-8.
        var name: [UInt8]
        /// The members that mean something, but for `data`.
        var properties = JSONObject()
        /// `data`, if it is a string: its text.
        var data: ArraySlice<UInt8>?
    }

    /// The entries in order; there is at least one.
    let entries: [Entry]

    /// The members that mean something, but for `data`.
    private static let names = [
        "content_type", "revpos", "stub", "follows", "length", "digest", "encoding", "encoded_length",
        "sha256",
    ]

    /// Reads the value that comes next; nil if it has no entries.
    package init?(_ reader: inout JSONReader) throws(JSONError) {
        guard try reader.enterObject() else {
            _ = try reader.skip()
            return nil
        }
        var found: [(name: [UInt8], entry: Entry?)] = []
        while try reader.nextMember() {
            let name = reader.nameBytes
            found.append((name, try Self.entry(name, &reader)))
        }
        var names = Set<[UInt8]>(minimumCapacity: found.count)
        entries = found.reversed().filter { names.insert($0.name).inserted }.reversed().compactMap(\.entry)
        if entries.isEmpty { return nil }
    }

    /// Reads the entry that comes next; nil if it is no object.
    private static func entry(
        _ name: [UInt8],
        _ reader: inout JSONReader
    ) throws(JSONError) -> Entry? {
        guard try reader.enterObject() else {
            _ = try reader.skip()
            return nil
        }
        var entry = Entry(name: name)
        while try reader.nextMember() {
            if reader.nameIs("data") {
                entry.data = try reader.stringSlice()
            } else if let name = names.first(where: { reader.nameIs($0) }) {
                entry.properties[name] = try reader.value()
            }
        }
        return entry
    }
}
