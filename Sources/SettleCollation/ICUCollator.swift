import CICU
package import SettleCore

/// CLDR's root collation, as the ICU library of this system knows it.
package final class ICUCollator {
    let collator: OpaquePointer

    /// Opens the root collation.
    ///
    /// - Throws: `internal_server_error` when ICU has no collation data.
    package init() throws(SettleError) {
        guard let collator = settle_collator_open() else {
            throw SettleError(.internalError, "ICU's root collation could not be opened.")
        }
        self.collator = collator
    }

    deinit {
        settle_collator_close(collator)
    }

    /// The collation's version, of four numbers.
    package var version: String {
        var version: [UInt8] = [0, 0, 0, 0]
        settle_collator_version(collator, &version)
        return version.map { String($0) }.joined(separator: ".")
    }
}
