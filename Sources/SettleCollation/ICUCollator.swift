import CICU
package import SettleCore

// CLDR's root collation through the ICU library of this system.
//
//     ICUCollator.shared.appendSortKey(of: text, in: range, to: &key)
//
// Two ways lead to the same bytes. ICU's own is general: UTF-8 becomes UTF-16, every character is looked up in ICU's
// tables. Strings of ASCII, which most keys are, take one three times as short: `ASCIISortKeys` knows what ICU
// answers for each of the 128 characters and puts it together as ICU would. It asks the ICU that is loaded, once, and
// checks itself against it; where anything is not as expected, ICU answers everything.

/// CLDR's root collation, as the ICU library of this system knows it.
///
/// `@unchecked Sendable`: nothing changes after `init`, and ICU lets any number of threads ask one collator for sort
/// keys and comparisons.
package final class ICUCollator: StringCollator, @unchecked Sendable {
    private let collator: OpaquePointer
    private let ascii: ASCIISortKeys?

    private static let opened = Result { () throws(SettleError) in try ICUCollator() }

    /// The one collator of this process, opened when it is first asked for.
    package static var shared: ICUCollator {
        get throws(SettleError) { try opened.get() }
    }

    /// Opens the root collation.
    ///
    /// - Parameter usesASCIITable: false makes ICU answer for every string.
    /// - Throws: `internal_server_error` when ICU has no collation data.
    package init(usesASCIITable: Bool = true) throws(SettleError) {
        guard let collator = settle_collator_open() else {
            throw SettleError(.internalError, "ICU's root collation could not be opened.")
        }
        self.collator = collator
        var version: [UInt8] = [0, 0, 0, 0]
        settle_collator_version(collator, &version)
        self.version = version.map { String($0) }.joined(separator: ".")
        ascii = usesASCIITable ? ASCIISortKeys(asking: collator) : nil
    }

    deinit {
        settle_collator_close(collator)
    }

    /// Whether strings of ASCII take the short way.
    package var hasASCIITable: Bool { ascii != nil }

    /// The collation's version, of four numbers.
    package let version: String

    package func appendSortKey(of text: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
        if let ascii, ascii.appendSortKey(of: text, in: range, to: &bytes) { return }
        Self.appendSortKey(of: text, in: range, to: &bytes, asking: collator)
    }

    /// Compares two texts directly: negative, zero or positive.
    ///
    /// Sort keys must agree with it.
    package func compare(_ left: [UInt8], _ right: [UInt8]) -> Int {
        Int(settle_collator_compare(collator, left, Int32(left.count), right, Int32(right.count)))
    }

    /// ICU's own sort key.
    static func appendSortKey(
        of text: [UInt8],
        in range: Range<Int>,
        to bytes: inout [UInt8],
        asking collator: OpaquePointer
    ) {
        precondition(range.count < Int32.max / 8, "no JSON string is that long")
        let start = bytes.count
        var capacity = range.count * 4 + 16
        while true {
            bytes.append(contentsOf: repeatElement(0, count: capacity))
            let length = settle_collator_sort_key(
                collator,
                text,
                Int64(range.lowerBound),
                Int64(range.upperBound),
                &bytes,
                Int64(start),
                Int32(capacity)
            )
            precondition(length > 0, "out of memory")
            let excess = capacity - Int(length)
            // The zero byte at the end is not part of it here.
            bytes.removeLast(excess < 0 ? capacity : excess + 1)
            guard excess < 0 else { return }
            capacity = Int(length)
        }
    }
}
