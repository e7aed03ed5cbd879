// What differs between two runs of the same requests is replaced before answers are compared.
//
// Update sequences are opaque, so only their order and equality within one answer may count: each becomes its rank,
// `seq#1`, `seq#2`. Values such as times and sizes become a placeholder of their JSON type, so that their type is
// still checked.

import SettleCore

enum Normalisation {
    static let sequenceMembers: Set<String> = [
        "seq", "last_seq", "update_seq", "source_last_seq", "start_last_seq", "end_last_seq", "recorded_seq",
        "_local_seq",
    ]

    static let volatileMembers: Set<String> = [
        "purge_seq", "instance_start_time", "uuid", "bookmark", "session_id", "start_time", "end_time",
        "git_sha",
        "features", "vendor", "sizes", "disk_format_version", "cluster", "signature", "collator_versions",
        "salt",
        "derived_key", "iterations", "execution_time_ms", "total_keys_examined", "total_docs_examined",
        "total_quorum_docs_examined", "bulk_get_docs", "bulk_get_attempts", "replication_id_version", "stack",
        "ref",
        "authentication_handlers", "_local_id", "updates_pending", "waiting_commit", "updater_running",
        "waiting_clients",
    ]

    /// The body with sequences and volatile values replaced, at any depth.
    static func normalise(_ body: JSONValue, exactSequences: Bool) -> JSONValue {
        let sorted = Set(sequences(in: body)).sorted()
        let ranks = Dictionary(uniqueKeysWithValues: zip(sorted, 1...))
        return body.rewritten { name, value in
            guard let name else { return nil }
            if sequenceMembers.contains(name), let sequence = sequencePrefix(value) {
                return .string(exactSequences ? "seq=\(sequence)" : "seq#\(ranks[sequence] ?? 0)")
            }
            if volatileMembers.contains(name), value != .string("nil") {
                return placeholder(value)
            }
            return nil
        }
    }

    /// The number that an update sequence begins with: of `5`, `"5"` and `"5-g1AAA"` it is 5.
    static func sequencePrefix(_ value: JSONValue) -> UInt64? {
        switch value {
        case .string(let text):
            let digits = text.prefix { ("0"..."9").contains($0) }
            let rest = text[digits.endIndex...]
            return rest.isEmpty || rest.hasPrefix("-") ? UInt64(digits) : nil
        case .number(let number):
            return number.isInteger ? UInt64(value.text) : nil
        default:
            return nil
        }
    }

    private static func sequences(in value: JSONValue) -> [UInt64] {
        switch value {
        case .array(let items):
            items.flatMap(sequences)
        case .object:
            value.members.flatMap { member in
                if sequenceMembers.contains(member.name), let sequence = sequencePrefix(member.value) {
                    return [sequence]
                }
                return sequences(in: member.value)
            }
        default:
            []
        }
    }

    private static func placeholder(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null: .null
        case .bool: .string("<bool>")
        case .number: .string("<number>")
        case .string: .string("<string>")
        case .array: .string("<array>")
        case .object: .string("<object>")
        }
    }
}

extension Normalisation {
    /// One response header without what differs between runs.
    static func header(_ name: String, _ value: String) -> String {
        switch name {
        case "Content-Type": contentType(value)
        case "Allow": value.split(separator: ",").map(trimmed).sorted().joined(separator: ",")
        case "ETag": isMeaningful(entityTag: value) ? value : "<opaque>"
        case "Set-Cookie": cookie(value)
        default: value
        }
    }

    private static func trimmed(_ text: some StringProtocol) -> String {
        String(text.drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }

    private static func contentType(_ value: String) -> String {
        value.replacing(/boundary=("[^"]*"|[^;]*)/, with: "boundary=*")
            .split(separator: ";", omittingEmptySubsequences: false)
            .map { trimmed($0).lowercased() }
            .joined(separator: ";")
    }

    /// Whether an entity tag is a revision (`"2-abc"`) or an attachment's digest, which no run may change.
    private static func isMeaningful(entityTag: String) -> Bool {
        entityTag.wholeMatch(of: /"([0-9]+-\w*|[A-Za-z0-9+\/]{22}==)"/) != nil
    }

    private static func cookie(_ value: String) -> String {
        let parts = value.split(separator: ";", omittingEmptySubsequences: false).map(trimmed)
        let pair = (parts.first ?? "").split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let isEmpty = pair.count < 2 || pair[1].isEmpty
        let attributes = parts.dropFirst().filter { $0 == "Path=/" || $0 == "HttpOnly" }
        return (["\(pair.first ?? "")=\(isEmpty ? "" : "*")"] + attributes).joined(separator: "; ")
    }
}
