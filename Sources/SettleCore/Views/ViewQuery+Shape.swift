// What a query comes to, once the view is known: which ranges of sort keys it reads and what it makes of their rows.

extension ViewQuery {
    /// What a query makes of a view's rows.
    package enum Shape: Sendable, Hashable {
        /// The rows themselves.
        case rows
        /// One value for all rows in range.
        case whole
        /// A value for each group of rows whose keys begin alike: arrays are cut to so many elements, others stay whole.
        case level(Int)
        /// A value for each key.
        case exact
    }

    /// Decides what to make of the rows, and refuses parameters that contradict each other or the view.
    ///
    /// The order of the checks is CouchDB's: of two mistakes it names the same one.
    package func shape(hasReduce: Bool) throws(SettleError) -> Shape {
        let level = try groupingLevel()
        let isReduced = hasReduce && reduces != false
        if !isReduced, reduces == true {
            throw SettleError(.queryParseError, "Reduce is invalid for map-only views.")
        }
        if isReduced, level != nil, keys != nil {
            throw SettleError(.queryParseError, "Multi-key fetches for reduce views must use `group=true`")
        }
        if let keys, !keys.isEmpty, startKey != nil || endKey != nil {
            throw SettleError(
                .queryParseError,
                "`keys` is incompatible with `key`, `start_key` and `end_key`"
            )
        }
        guard isReduced else {
            guard level == 0 else {
                throw SettleError(.queryParseError, "Invalid use of grouping on a map view.")
            }
            return .rows
        }
        if includesDocuments {
            throw SettleError(.queryParseError, "`include_docs` is invalid for reduce")
        }
        if includesConflicts != nil {
            throw SettleError(.queryParseError, "`conflicts` is invalid for reduce views.")
        }
        return switch level {
        case nil: .exact
        case 0?: .whole
        case let level?: .level(level)
        }
    }

    /// How many elements of a key tell groups apart; nil for the whole key.
    private func groupingLevel() throws(SettleError) -> Int? {
        switch (groups, groupLevel) {
        case (true?, nil): return nil
        case (_, nil): return 0
        case (false?, let level?) where level > 0:
            throw SettleError(
                .queryParseError,
                "Can't specify group=false and group_level>0 at the same time"
            )
        case (_, let level?): return level
        }
    }

    /// The ranges of sort keys that the query reads, in the order in which it reads them; `collationKey` gives a key's
    /// place in the view's order.
    package func ranges(
        _ collationKey: (JSONValue) throws(SettleError) -> [UInt8]
    ) throws(SettleError) -> [IndexRange] {
        guard let keys else {
            let start = if let startKey { try collationKey(startKey) } else { [UInt8]?.none }
            let end = if let endKey { try collationKey(endKey) } else { [UInt8]?.none }
            if let start, let end, startKey?.bytes != endKey?.bytes { try checkOrder(start, end) }
            return [range(from: start, to: end)]
        }
        var ranges: [IndexRange] = []
        for key in keys {
            let key = try collationKey(key)
            ranges.append(range(from: key, to: key))
        }
        return ranges
    }

    private func range(from start: [UInt8]?, to end: [UInt8]?) -> IndexRange {
        if isDescending {
            IndexRange(
                lower: end.map { end in
                    includesEnd ? ViewRowKey.start(end, endID) : ViewRowKey.end(end, endID)
                } ?? [],
                upper: start.map { ViewRowKey.end($0, startID) }
            )
        } else {
            IndexRange(
                lower: start.map { ViewRowKey.start($0, startID) } ?? [],
                upper: end.map { end in
                    includesEnd ? ViewRowKey.end(end, endID) : ViewRowKey.start(end, endID)
                }
            )
        }
    }

    /// Refuses a range that is the wrong way round.
    private func checkOrder(_ start: [UInt8], _ end: [UInt8]) throws(SettleError) {
        let first = startID?.bytes ?? (isDescending ? [0xFF] : [])
        let last = endID?.bytes ?? (isDescending ? [] : [0xFF])
        let isAscending =
            start == end
            ? first.lexicographicallyPrecedes(last) : start.lexicographicallyPrecedes(end)
        if isAscending == isDescending {
            throw SettleError(
                .queryParseError,
                "No rows can match your key range, reverse your start_key and end_key or set descending=\(!isDescending)"
            ).referenced
        }
    }
}
