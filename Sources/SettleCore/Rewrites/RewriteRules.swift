// A design document's `rewrites`: short paths for long ones.
//
//     {"from": "/t/:k", "to": "_view/t", "query": {"key": ":k", "reduce": "false"}}
//     _rewrite/t/A?limit=2   →   _view/t?key=%22A%22&reduce=false&limit=2
//
// The first rule whose path and method match wins. `:name` in `from` stands for one segment and `*` at its end for all
// the rest; both may stand in `to`, and `:name` in `query` too, where it may also be a parameter of the request.
//
// The subtle thing: `to` is a path below the design document, and may leave it by `..`, up to the server's root.

/// The rules of a design document, in order.
package struct RewriteRules: Sendable {
    private struct Rule: Sendable {
        var from: [String]
        var to: [String]
        var method: String
        var query: [JSONObject.Member]
    }

    private var rules: [Rule] = []

    /// Reads an array of rules.
    ///
    /// - Throws: `bad_request` for what is no array, or a rule that leads nowhere.
    package init(_ value: JSONValue) throws(SettleError) {
        guard let elements = value.array else {
            throw SettleError(.badRequest, "`rewrites` must be an array or a function.")
        }
        for element in elements {
            guard let target = element["to"]?.string else {
                throw SettleError(function: "invalid_rewrite_target", reason: "A rule without `to`.")
            }
            rules.append(
                Rule(
                    from: Self.segments(element["from"]?.string ?? "*"),
                    to: Self.segments(target),
                    method: element["method"]?.string ?? "*",
                    query: element["query"]?.object?.members ?? []
                )
            )
        }
    }

    private static func segments(_ path: String) -> [String] {
        path.split(separator: "/").map { String($0) }
    }

    /// The path, of segments below the design document, and the parameters that a request is rewritten to; nil if no
    /// rule is for it.
    package func rewrite(
        method: String,
        path: [String],
        query: QueryParameters
    ) -> (path: [String], query: [(name: String, value: String)])? {
        for rule in rules where rule.method == "*" || rule.method == method {
            guard var bindings = Self.bindings(of: rule.from, in: path) else { continue }
            for item in query.items where bindings.values[item.name] == nil {
                bindings.values[item.name] = .string(item.value)
            }
            let parameters = rule.query.map { member in
                (member.name, Self.parameter(member, bindings.values))
            }
            let names = Set(parameters.map { Array($0.0.utf8) })
            let others = query.items.filter { !names.contains(Array($0.name.utf8)) }
            let path = rule.to.flatMap { (segment: String) -> [String] in
                if segment == "*" { return bindings.rest }
                guard segment.hasPrefix(":"), segment.count > 1 else { return [segment] }
                return [bindings.values[String(segment.dropFirst())]?.plain ?? "undefined"]
            }
            return (path, parameters.map { (name: $0.0, value: $0.1) } + others)
        }
        return nil
    }

    private struct Bindings {
        var values: [String: JSONValue] = [:]
        /// What `*` stands for.
        var rest: [String] = []
    }

    private static func bindings(of pattern: [String], in path: [String]) -> Bindings? {
        var bindings = Bindings()
        var path = path[...]
        for segment in pattern {
            if segment == "*" {
                bindings.rest = Array(path)
                return bindings
            }
            guard let part = path.popFirst() else { return nil }
            if segment.hasPrefix(":"), segment.count > 1 {
                bindings.values[String(segment.dropFirst())] = .string(part)
            } else if Array(segment.utf8) != Array(part.utf8) {
                return nil
            }
        }
        return path.isEmpty ? bindings : nil
    }

    /// A rule's parameter as it stands in the query: keys are JSON, everything else plain.
    private static func parameter(_ member: JSONObject.Member, _ bindings: [String: JSONValue]) -> String {
        let value = bound(member.value, bindings)
        switch member.name {
        case "key", "keys", "startkey", "start_key", "endkey", "end_key": return value.text
        default: return value.plain
        }
    }

    private static func bound(_ value: JSONValue, _ bindings: [String: JSONValue]) -> JSONValue {
        switch value {
        case .string(let text) where text.hasPrefix(":") && text.count > 1:
            return bindings[String(text.dropFirst())] ?? value
        case .array(let elements): return .array(elements.map { bound($0, bindings) })
        default: return value
        }
    }
}

extension JSONValue {
    /// A string's content, other values' text.
    fileprivate var plain: String { string ?? text }
}

extension RewriteRules {
    /// The target that a path below a design document comes to, `.` and `..` resolved.
    package static func target(
        design: [[UInt8]],
        path: [String],
        query: [(name: String, value: String)]
    ) -> RequestTarget {
        var segments = design
        for part in path {
            switch part {
            case ".": break
            case "..": _ = segments.popLast()
            default: segments.append(Array(part.utf8))
            }
        }
        var text: [UInt8] = []
        for segment in segments {
            text.append(UInt8(ascii: "/"))
            PercentEncoding.append(segment, to: &text)
        }
        if text.isEmpty { text = [UInt8(ascii: "/")] }
        for (index, item) in query.enumerated() {
            text.append(index == 0 ? UInt8(ascii: "?") : UInt8(ascii: "&"))
            PercentEncoding.append(item.name.utf8, to: &text)
            text.append(UInt8(ascii: "="))
            PercentEncoding.append(item.value.utf8, to: &text)
        }
        return RequestTarget(String(decoding: text, as: UTF8.self))
    }
}
