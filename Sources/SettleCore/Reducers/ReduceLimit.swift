/// What becomes of reductions that hardly reduce: `query_server_config/reduce_limit`.
package enum ReduceLimit: Sendable, Hashable {
    /// An error takes their place.
    case enforced
    /// They are kept.
    case ignored

    /// Reductions up to this many bytes are never complained about.
    static let threshold = 4906
    /// What goes in has to be at least this many times what comes out.
    static let ratio = 2.0

    /// CouchDB's complaint.
    static func reason(input: Int, output: Int) -> String {
        "Reduce output must shrink more rapidly: input size: \(input) output size: \(output)"
    }
}
