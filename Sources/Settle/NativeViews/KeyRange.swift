import SettleCore

/// Which keys of a view are asked for.
public struct KeyRange<Key: Codable & Sendable>: Sendable {
    enum Bounds: Sendable {
        case between(Key?, Key?, includesEnd: Bool)
        case keys([Key])
        /// JSON text of an array whose elements other arrays begin with.
        case arrayPrefix(@Sendable () throws -> JSONValue)
    }

    let bounds: Bounds

    /// All keys.
    public static var all: KeyRange { KeyRange(bounds: .between(nil, nil, includesEnd: true)) }

    /// One key.
    public static func key(_ key: Key) -> KeyRange { KeyRange(bounds: .between(key, key, includesEnd: true)) }

    /// Several keys, in the order in which they are given.
    public static func keys(_ keys: [Key]) -> KeyRange { KeyRange(bounds: .keys(keys)) }

    /// The keys from one on.
    public static func from(_ first: Key) -> KeyRange {
        KeyRange(bounds: .between(first, nil, includesEnd: true))
    }

    /// The keys up to one.
    public static func through(_ last: Key) -> KeyRange {
        KeyRange(bounds: .between(nil, last, includesEnd: true))
    }

    /// The keys from one up to another.
    public static func from(_ first: Key, through last: Key) -> KeyRange {
        KeyRange(bounds: .between(first, last, includesEnd: true))
    }

    /// The keys from one up to, and without, another.
    public static func from(_ first: Key, to end: Key) -> KeyRange {
        KeyRange(bounds: .between(first, end, includesEnd: false))
    }

    /// The array keys that begin with these elements.
    public static func prefix(_ elements: any Encodable & Sendable...) -> KeyRange {
        KeyRange(bounds: .arrayPrefix { .array(try elements.map { try JSONValue(encoding: $0) }) })
    }
}

extension KeyRange {
    /// The ranges of sort keys, in the order in which they are read.
    func ranges(_ collationKey: (JSONValue) throws -> [UInt8]) throws -> [IndexRange] {
        switch bounds {
        case .between(let first, let last, let includesEnd):
            let lower = try first.map { ViewRowKey.start(try collationKey(JSONValue(encoding: $0))) }
            let upper = try last.map { last in
                let key = try collationKey(JSONValue(encoding: last))
                return includesEnd ? ViewRowKey.end(key) : ViewRowKey.start(key)
            }
            return [IndexRange(lower: lower ?? [], upper: upper)]
        case .keys(let keys):
            return try keys.map { key in
                let key = try collationKey(JSONValue(encoding: key))
                return IndexRange(lower: ViewRowKey.start(key), upper: ViewRowKey.end(key))
            }
        case .arrayPrefix(let elements):
            let elements = try elements()
            let key = try collationKey(elements)
            guard let count = elements.array?.count, count > 0 else { return [.prefix(Array(key.prefix(1)))] }
            // An array's key without its end mark begins the keys of all arrays that go on.
            return [.prefix(Array(key.dropLast()))]
        }
    }
}
