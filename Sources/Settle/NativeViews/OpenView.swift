// A view of a database that can be asked: typed keys in, typed keys and values out.
//
// Where it comes from makes no difference: a `NativeView`, kept (`open`) or for a moment (`temporaryView`), JavaScript tried
// out (`temporaryView(javaScript:)`), or a design document (`view(of:named:)`).

public import SettleCore

/// A view of a database.
public struct OpenView<Key: Codable & Sendable, Value: Codable & Sendable, Reduced: Codable & Sendable>:
    Sendable
{
    /// A row: what a document emitted.
    public struct Row: Sendable {
        /// The key it emitted.
        public let key: Key
        /// The value it emitted.
        public let value: Value
        /// The document.
        public let id: DocumentID
    }

    /// Rows with equal keys, or with arrays as keys that begin alike, reduced.
    public struct Group<GroupKey: Sendable>: Sendable {
        /// What their keys have in common.
        public let key: GroupKey
        /// What their values reduce to.
        public let value: Reduced
    }

    let lookUp: @Sendable () throws(SettleError) -> View
    /// Nil unless the view lasts only as long as this.
    let temporary: TemporaryIndex?

    /// Rows read in one snapshot.
    private static var page: Int { 1000 }

    /// The view, with everything that has been written so far.
    private func current() async throws(SettleError) -> View {
        let view = try lookUp()
        if temporary == nil { try await view.update() }
        return view
    }

    /// The rows of a range.
    ///
    /// - Parameters:
    ///   - range: Which keys.
    ///   - descending: Whether to begin with the last.
    ///   - skip: How many rows to pass over, which costs nothing however many they are.
    ///   - limit: How many rows at most: they are all held in memory.
    /// - Returns: The rows, in CouchDB's order of keys.
    /// - Throws: what stopped the index from being brought up to date; `badRequest` if a key or value doesn't fit its type.
    public func rows(
        _ range: KeyRange<Key> = .all,
        descending: Bool = false,
        skip: Int = 0,
        limit: Int = .max
    ) async throws(SettleError) -> [Row] {
        let view = try await current()
        return try typed { () throws in
            var rows: [Row] = []
            var skip = skip
            for range in try range.ranges(view.sortKey) {
                var rest: IndexRange? = range
                while let next = rest, rows.count < limit {
                    let count = min(Self.page, limit - rows.count)
                    let page = try view.page(next, descending: descending, skip: skip, limit: count)
                    rows += try page.rows.map { row in
                        Row(
                            key: try JSONValue(parsing: Array(row.key)).decoded(),
                            value: try JSONValue(parsing: Array(row.value)).decoded(),
                            id: DocumentID(bytes: Array(row.id))
                        )
                    }
                    skip = page.skip
                    rest = page.rest
                }
            }
            return rows
        }
    }

    /// How many rows a range has.
    ///
    /// - Throws: what stopped the index from being brought up to date.
    public func count(_ range: KeyRange<Key> = .all) async throws(SettleError) -> Int {
        let view = try await current()
        return try typed { () throws in
            try range.ranges(view.sortKey).reduce(0) { count, range in
                try count + view.read { snapshot in try snapshot.count(in: range) }
            }
        }
    }

    /// What the values of a range reduce to; nil if it has no rows.
    ///
    /// - Throws: what stopped the index from being brought up to date, or why the values can't be reduced.
    public func reduction(_ range: KeyRange<Key> = .all) async throws(SettleError) -> Reduced? {
        let view = try await current()
        let ranges = try typed { () throws in try range.ranges(view.sortKey) }
        let text = try await view.reducing { () throws(SettleError) in try view.reduction(of: ranges) }
        return try typed { () throws in try text.map { try JSONValue(parsing: $0).decoded() } }
    }

    /// The groups of a range: one for each key.
    ///
    /// - Parameters:
    ///   - range: Which keys.
    ///   - descending: Whether to begin with the last.
    ///   - limit: How many groups at most: they are all held in memory.
    /// - Returns: The groups, in CouchDB's order of keys.
    /// - Throws: what stopped the index from being brought up to date, or why the values can't be reduced.
    public func groups(
        _ range: KeyRange<Key> = .all,
        descending: Bool = false,
        limit: Int = .max
    ) async throws(SettleError) -> [Group<Key>] {
        try await groups(range, level: nil, as: Key.self, descending: descending, limit: limit)
    }

    /// The groups of a range of array keys: one for each different beginning.
    ///
    /// - Parameters:
    ///   - range: Which keys.
    ///   - level: How many elements of a key tell groups apart.
    ///   - descending: Whether to begin with the last.
    ///   - limit: How many groups at most: they are all held in memory.
    /// - Returns: The groups, in CouchDB's order of keys, each with an array of so many elements, or fewer, as its key.
    /// - Throws: what stopped the index from being brought up to date, or why the values can't be reduced.
    public func groups(
        _ range: KeyRange<Key> = .all,
        level: Int,
        descending: Bool = false,
        limit: Int = .max
    ) async throws(SettleError) -> [Group<Key>] {
        try await groups(range, level: .some(level), as: Key.self, descending: descending, limit: limit)
    }

    /// The same for keys whose beginnings are of another type than they, such as tuples.
    ///
    /// - Parameters:
    ///   - range: Which keys.
    ///   - level: How many elements of a key tell groups apart.
    ///   - type: What a group's key is read as: an array of so many elements, or fewer.
    ///   - descending: Whether to begin with the last.
    ///   - limit: How many groups at most: they are all held in memory.
    /// - Returns: The groups, in CouchDB's order of keys.
    /// - Throws: what stopped the index from being brought up to date, or why the values can't be reduced.
    public func groups<GroupKey: Decodable & Sendable>(
        _ range: KeyRange<Key> = .all,
        level: Int,
        as type: GroupKey.Type,
        descending: Bool = false,
        limit: Int = .max
    ) async throws(SettleError) -> [Group<GroupKey>] {
        try await groups(range, level: .some(level), as: type, descending: descending, limit: limit)
    }

    private func groups<GroupKey: Decodable & Sendable>(
        _ range: KeyRange<Key>,
        level: Int?,
        as type: GroupKey.Type,
        descending: Bool,
        limit: Int
    ) async throws(SettleError) -> [Group<GroupKey>] {
        let view = try await current()
        let ranges = try typed { () throws in try range.ranges(view.sortKey) }
        let found = try await view.reducing { () throws(SettleError) in
            var found: [ReducedGroup] = []
            var rest = ranges
            while !rest.isEmpty, found.count < limit {
                let page = try view.groups(
                    rest,
                    level: level,
                    descending: descending,
                    limit: min(Self.page, limit - found.count)
                )
                found += page.groups
                rest = page.rest
            }
            return found
        }
        return try typed { () throws in
            try found.map { group in
                Group(
                    key: try JSONValue(parsing: group.key).decoded(),
                    value: try JSONValue(parsing: group.value).decoded()
                )
            }
        }
    }

    /// Errors of coding are the caller's: the types are not those of what was emitted.
    private func typed<Answer>(_ body: () throws -> Answer) throws(SettleError) -> Answer {
        do {
            return try body()
        } catch let error as SettleError {
            throw error
        } catch {
            throw SettleError(.badRequest, "The view's types don't fit: \(error)")
        }
    }
}
