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

extension SourceSequence: CustomStringConvertible {
    /// The JSON text.
    public var description: String { String(decoding: json, as: UTF8.self) }
}
