// What reduces the rows of a view: one of CouchDB's built-in functions, or a function that an engine or Swift runs.
//
//     _sum  _count  _stats  _approx_count_distinct  _first  _last  _top_N  _bottom_N        built in
//     function(keys, values, rereduce) {…}                                                   JavaScript
//
// A built-in's name only has to begin so: `_sum2` is `_sum`, as in CouchDB.

/// A reduce function by what is known of it before anything runs.
package enum Reducer: Sendable, Hashable {
    /// The sum of numbers, of arrays element by element, of objects member by member.
    case sum
    /// How many rows there are.
    case count
    /// Sum, count, least, greatest and sum of squares.
    case statistics
    /// About how many different keys there are.
    case distinctKeys
    /// The value of the first row.
    case first
    /// The value of the last row.
    case last
    /// The greatest values, or the least, each once.
    case ranked(count: Int, isAscending: Bool)
    /// A function that has to be run, by its source.
    case function([UInt8])

    /// - Throws: `not_found` for a built-in function that there isn't.
    package init(source: [UInt8]) throws(SettleError) {
        func isNamed(_ name: StaticString) -> Bool { source.starts(with: "\(name)".utf8) }
        guard source.first == 0x5F else {
            self = .function(source)
            return
        }
        if isNamed("_sum") {
            self = .sum
        } else if isNamed("_count") {
            self = .count
        } else if isNamed("_stats") {
            self = .statistics
        } else if isNamed("_approx_count_distinct") {
            self = .distinctKeys
        } else if isNamed("_first") {
            self = .first
        } else if isNamed("_last") {
            self = .last
        } else if isNamed("_top_"), let count = Self.rank(source.dropFirst(5)) {
            self = .ranked(count: count, isAscending: false)
        } else if isNamed("_bottom_"), let count = Self.rank(source.dropFirst(8)) {
            self = .ranked(count: count, isAscending: true)
        } else {
            let name = String(decoding: source, as: UTF8.self)
            throw SettleError(.badRequest, "`\(name)` is not a supported reduce function.")
        }
    }

    private static func rank(_ digits: ArraySlice<UInt8>) -> Int? {
        Int(String(decoding: digits, as: UTF8.self)).flatMap { (1...100).contains($0) ? $0 : nil }
    }
}
