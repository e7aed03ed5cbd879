/// A stretch of a tree: the rows whose sort keys lie in `lower ..< upper`.
package struct IndexRange: Sendable, Hashable {
    /// The least sort key that belongs to it; empty: from the first row.
    package var lower: [UInt8]
    /// The least sort key after it; nil: to the last row.
    package var upper: [UInt8]?

    package init(lower: [UInt8] = [], upper: [UInt8]? = nil) {
        self.lower = lower
        self.upper = upper
    }

    /// The rows whose sort keys begin with these bytes.
    package static func prefix(_ bytes: [UInt8]) -> IndexRange {
        IndexRange(lower: bytes, upper: end(ofPrefix: bytes))
    }

    /// The least byte string greater than all that begin with these bytes; nil if every greater one begins with them.
    package static func end(ofPrefix bytes: [UInt8]) -> [UInt8]? {
        var end = bytes
        while let last = end.popLast() {
            guard last == 0xFF else {
                end.append(last + 1)
                return end
            }
        }
        return nil
    }

    /// What both ranges have in common.
    package func intersection(_ other: IndexRange) -> IndexRange {
        let lower = other.lower.lexicographicallyPrecedes(self.lower) ? self.lower : other.lower
        guard let upper, let end = other.upper else {
            return IndexRange(lower: lower, upper: upper ?? other.upper)
        }
        return IndexRange(lower: lower, upper: end.lexicographicallyPrecedes(upper) ? end : upper)
    }

    /// Whether no sort key lies in it.
    package var isEmpty: Bool {
        guard let upper else { return false }
        return !lower.lexicographicallyPrecedes(upper)
    }
}
