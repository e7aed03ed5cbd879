package import SettleCore

/// A group of rows and what it reduces to.
package struct ReducedGroup: Sendable, Hashable {
    /// The key's JSON text, of an array as many elements as tell groups apart.
    package let key: [UInt8]
    /// The value's JSON text.
    package let value: [UInt8]
}

/// A page of groups.
package struct GroupPage: Sendable {
    package var groups: [ReducedGroup]
    /// What is left to read; empty at the end.
    package var rest: [IndexRange]
}

extension View {
    /// Whether reducing runs functions in an engine, which may take a while: not on an event loop.
    package var reducesInEngine: Bool {
        guard let reduce = definition.reduce else { return false }
        return reduce.first != UInt8(ascii: "_")
    }

    /// What the rows of a range reduce to, as JSON text; nil if there are none.
    package func reduction(
        of range: IndexRange,
        acceptsPredecessor: Bool = false
    ) throws(SettleError) -> [UInt8]? {
        let pieces = try read(acceptsPredecessor: acceptsPredecessor) { try $0.pieces(of: range) }
        guard !pieces.isEmpty else { return nil }
        return try values([pieces])[0]
    }

    /// A page of the groups of ranges, which are read one after the other.
    ///
    /// `level` is how many elements of an array key tell groups apart, nil the whole key; `skip` groups are passed over,
    /// and `limit` makes a page.
    package func groups(
        _ ranges: [IndexRange],
        level: Int?,
        descending: Bool,
        skip: Int = 0,
        limit: Int,
        acceptsPredecessor: Bool = false
    ) throws(SettleError) -> GroupPage {
        let level = level ?? .max
        let (found, rest) = try read(acceptsPredecessor: acceptsPredecessor) { snapshot in
            var found: [IndexGroup] = []
            var rest = ranges[...]
            var skip = skip
            while let range = rest.first, found.count < limit {
                var groups = snapshot.groups(range, descending: descending) {
                    CollationKey.groupPrefixLength(of: $0, level: level)
                }
                if skip > 0 { skip -= try groups.next(limit: skip, in: snapshot).count }
                if skip == 0 { found += try groups.next(limit: limit - found.count, in: snapshot) }
                rest.removeFirst()
                if let left = groups.rest {
                    rest = [left] + rest
                    break
                }
            }
            return (found, Array(rest))
        }
        guard !found.isEmpty else { return GroupPage(groups: [], rest: rest) }
        let values = try values(found.map(\.pieces))
        let groups = zip(found, values).map { group, value in
            ReducedGroup(key: GroupKey.text(ViewRow(group.row.payload).key, level: level), value: value)
        }
        return GroupPage(groups: groups, rest: rest)
    }

    /// Reduces what was gathered, all in one go.
    private func values(_ pieces: [ReductionPieces]) throws(SettleError) -> [[UInt8]] {
        guard let function = definition.reducer else {
            throw SettleError(.queryParseError, "Reduce is invalid for map-only views.")
        }
        var reducers = try index.source.reducers(tree: definition.tree)
        let reductions = try ReductionPieces.reduce(pieces, function: function, reducer: &reducers)
        var values: [[UInt8]] = []
        for reduction in reductions {
            values.append(try reducers.finalize(reduction[...], function: function))
        }
        return values
    }
}
