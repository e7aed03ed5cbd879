import SettleCore

// What keeps functions from answering, in CouchDB's words: to it they are a process of the operating system.

extension SettleError {
    /// A function left nothing that an answer could be made from.
    static let functionsBroke = SettleError(
        function: "os_process_error",
        reason: "The functions ended without an answer."
    )
    /// The engine is closed.
    static let engineIsClosed = SettleError(.unavailable, "The functions' engine is closed.")
}
