// A reduction as a node keeps it, if a built-in function or an engine made it.
//
//     JSON text                                   what the reducer found so far; for most, what a query shows
//     00, error's name, 00, reason                the rows can't be reduced, and a query is answered with this error
//     01 and a sketch                             of `_approx_count_distinct`
//
// No JSON text begins with 00 or 01. An error spreads to every reduction above it, so that whoever makes a tree finds it at
// the root.

/// Makes and reads reductions that are not just text.
enum Reduction {
    static let sketchMark: UInt8 = 1

    /// A reduction that says why there is none.
    static func failure(_ name: String, _ reason: String) -> [UInt8] {
        [0] + Array(name.utf8) + [0] + Array(reason.utf8)
    }

    /// The failure that a reduction is; nil for any other.
    static func failure(in reduction: ArraySlice<UInt8>) -> SettleError? {
        guard reduction.first == 0 else { return nil }
        let parts = reduction.dropFirst().split(separator: 0, maxSplits: 1, omittingEmptySubsequences: false)
        return SettleError(
            function: String(decoding: parts[0], as: UTF8.self),
            reason: String(decoding: parts.last ?? [], as: UTF8.self)
        )
    }
}
