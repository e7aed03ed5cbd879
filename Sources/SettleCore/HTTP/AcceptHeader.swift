// What a client is willing to read.
//
// It decides between JSON and multipart wherever CouchDB has both: wildcards count, `q=0` excludes, and no header at all
// accepts everything, so a client that wants JSON has to say so.

/// The media types in an `Accept` header.
package struct AcceptHeader: Sendable {
    private let entries: [(type: String, isRefused: Bool)]?

    /// Reads the header's value; nil where there is none.
    package init(_ value: String?) {
        entries = value.map { value in
            value.split(separator: ",").map { entry in
                let parts = entry.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" } }
                let refused = parts.dropFirst().contains { part in
                    part.hasPrefix("q=") && (Double(part.dropFirst(2)) ?? 1) == 0
                }
                return (type: (parts.first ?? "").lowercased(), isRefused: refused)
            }
        }
    }

    /// Whether the client reads a type such as `application/json`, by name or by wildcard.
    package func accepts(_ type: String) -> Bool {
        guard let entries else { return true }
        let family = type.prefix { $0 != "/" } + "/*"
        for pattern in [type, String(family), "*/*"] {
            if let entry = entries.first(where: { $0.type == pattern }) {
                return !entry.isRefused
            }
        }
        return false
    }
}
