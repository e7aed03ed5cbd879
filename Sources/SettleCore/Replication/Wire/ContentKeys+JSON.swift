// `_attachments_diff`: which of these contents does the other side not hold? A question between Settle peers; CouchDB answers
// it with an error, and is not asked again.
//
//     {"sha256":["47DEQpj8…=","n4bQgYhM…="]}      →      {"missing":["n4bQgYhM…="]}

/// The question and the answer of `_attachments_diff`.
package enum ContentKeys {
    /// The body that asks about some contents.
    package static func question(_ keys: some Sequence<BlobKey>) -> [UInt8] { object("sha256", keys) }

    /// The answer that some contents are not held.
    package static func answer(missing keys: some Sequence<BlobKey>) -> [UInt8] { object("missing", keys) }

    /// The contents that a question is about.
    package static func asked(json text: [UInt8]) throws(JSONError) -> [BlobKey]? {
        try keys("sha256", text)
    }

    /// The contents that are not held, according to an answer; nil if it doesn't say.
    package static func missing(json text: [UInt8]) throws(PeerFailure) -> [BlobKey]? {
        try PeerFailure.reading("_attachments_diff") { () throws(JSONError) in try keys("missing", text) }
    }

    /// Appends keys as a JSON array.
    package static func append(_ keys: some Sequence<BlobKey>, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        var isFirst = true
        for key in keys {
            output.append(contentsOf: isFirst ? "\"".utf8 : ",\"".utf8)
            isFirst = false
            output.append(contentsOf: key.text.utf8)
            output.append(UInt8(ascii: "\""))
        }
        output.append(UInt8(ascii: "]"))
    }

    /// Reads keys from a JSON array; what is none is passed over.
    package static func keys(_ list: JSONValue) -> [BlobKey] {
        (list.array ?? []).compactMap { $0.string.flatMap { BlobKey(text: $0) } }
    }

    private static func object(_ name: String, _ keys: some Sequence<BlobKey>) -> [UInt8] {
        var body = Array("{\"\(name)\":".utf8)
        append(keys, to: &body)
        body.append(UInt8(ascii: "}"))
        return body
    }

    private static func keys(_ name: String, _ text: [UInt8]) throws(JSONError) -> [BlobKey]? {
        var keys: [BlobKey]?
        var reader = JSONReader(text)
        guard try reader.enterObject() else {
            try reader.finish()
            return nil
        }
        while try reader.nextMember() {
            if reader.nameIs(name) { keys = Self.keys(try reader.value()) }
        }
        try reader.finish()
        return keys
    }
}
