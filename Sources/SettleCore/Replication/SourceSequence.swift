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

    /// Whether this position is certainly one that a source, whose last change has the other one, does not have.
    ///
    /// In a cluster of CouchDB each copy of a database counts its own updates, so there a number that is a little lower
    /// says nothing; a plain number does, and so does one of Settle's sequences.
    package func isBeyond(_ last: SourceSequence) -> Bool {
        if let ours = incarnation, let theirs = last.incarnation {
            return ours != theirs || isAhead(of: last)
        }
        return isPlain && last.isPlain && isAhead(of: last)
    }

    /// What tells one life of a Settle database from another one: the eight hexadecimal digits of `"23-9f0c22b1"`; nil if the
    /// sequence is of another kind.
    package var incarnation: String? {
        let text = json.filter { $0 != UInt8(ascii: "\"") }
        guard let dash = text.firstIndex(of: UInt8(ascii: "-")), text.count - dash == 9, leadingNumber != nil
        else {
            return nil
        }
        let digits = text[(dash + 1)...]
        guard digits.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Whether it is a number and nothing else.
    private var isPlain: Bool {
        let text = json.filter { $0 != UInt8(ascii: "\"") }
        return !text.isEmpty && text.allSatisfy { (48...57).contains($0) }
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
