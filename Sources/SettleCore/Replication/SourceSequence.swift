// A position in a source's changes, in the source's own words.
//
// CouchDB answers `"23-g1AAAACTeJzLYWBg…"`, PouchDB `23`, Settle `"23-9f0c22b1"`. A replicator compares two of them for
// equality and hands one back as `since=`; it must read nothing into them. So the JSON text is kept as it came.

/// An opaque position in the changes of a replication's source.
public struct SourceSequence: Hashable, Sendable {
    /// The JSON text, such as `23` or `"23-9f0c22b1"`.
    package let json: [UInt8]

    /// The sequence with this JSON text.
    package init(json: [UInt8]) {
        self.json = json
    }

    /// Before the first change.
    package static let zero = SourceSequence(json: [48])
}

extension SourceSequence {
    /// The position that a person names: the text of a sequence, with or without quotes.
    public init(parameter text: String) {
        let isJSON = (try? JSONValue(parsing: Array(text.utf8))) != nil
        self.init(json: isJSON ? Array(text.utf8) : JSONValue.string(text).bytes)
    }

    /// Whether this position is one that a source at another one has not come to yet.
    ///
    /// The only thing that is read into sequences: the number in front of each counts updates, here, in CouchDB and in
    /// PouchDB. Where there is none the answer is no.
    package func isAhead(of other: SourceSequence) -> Bool {
        guard let ours = leadingNumber, let theirs = other.leadingNumber else { return false }
        return ours > theirs
    }

    private var leadingNumber: UInt64? {
        let digits = json.drop { $0 == UInt8(ascii: "\"") }.prefix { (48...57).contains($0) }
        return UInt64(String(decoding: digits, as: UTF8.self))
    }
}

extension SourceSequence: CustomStringConvertible {
    /// The JSON text.
    public var description: String { String(decoding: json, as: UTF8.self) }
}
