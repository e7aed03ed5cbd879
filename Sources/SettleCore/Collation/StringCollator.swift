/// The order of strings in a view's keys, from a table that lies outside Core.
///
/// CouchDB orders strings by ICU's root collation. The order reaches an index as sort keys: `a` sorts before `b` exactly
/// when `a`'s sort key is less than `b`'s byte by byte, and strings that collate equal have equal sort keys.
package protocol StringCollator: Sendable {
    /// Names the table: an index built under another version is built anew.
    var version: String { get }

    /// Appends the sort key of `text[range]` (UTF-8).
    ///
    /// A sort key contains no zero byte, whatever the text contains.
    func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8])
}
