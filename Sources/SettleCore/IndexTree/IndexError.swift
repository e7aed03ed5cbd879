extension SettleError {
    /// The bytes of an index tree are none; the index has to be built anew.
    static let damagedIndex = SettleError(.internalError, "The index is damaged.")
}
