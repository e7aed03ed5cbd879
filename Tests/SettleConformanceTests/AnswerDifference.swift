// Where an answer differs from the recorded one.
//
// Strict differences fail a scenario. Soft ones do not: the wording of an error's reason or of a warning, and a few
// headers that were not recorded.

import SettleCore

struct AnswerDifference: CustomStringConvertible {
    let isSoft: Bool
    let place: String
    /// Nil: nothing there.
    let expected: JSONValue?
    let actual: JSONValue?

    var description: String {
        "\(place): expected \(Self.shown(expected)), got \(Self.shown(actual))"
    }

    private static func shown(_ value: JSONValue?) -> String {
        guard let value else { return "(absent)" }
        let text = value.text
        return text.count <= 400 ? text : "\(text.prefix(400))…"
    }
}

extension AnswerDifference {
    static func between(
        _ expected: ComparableAnswer,
        _ actual: ComparableAnswer,
        _ hints: ComparisonHints
    ) -> [AnswerDifference] {
        var found = Comparison(hints: hints)
        if expected.status != actual.status {
            found.note("status", .number(JSONNumber(expected.status)), .number(JSONNumber(actual.status)))
        }
        for (name, value) in expected.headers.sorted(by: { $0.key < $1.key })
        where actual.headers[name] != value {
            found.note("header \(name)", .string(value), actual.headers[name].map(JSONValue.string))
        }
        for name in ComparableAnswer.freeHeaders where expected.headers[name] == nil {
            if let value = actual.headers[name] {
                found.note("header \(name)", nil, .string(value), isSoft: true)
            }
        }
        if expected.body?.kind != actual.body?.kind {
            found.note("body", expected.body?.value, actual.body?.value)
        } else {
            found.compare(expected.body?.value, actual.body?.value, at: "", isSoft: false)
        }
        return found.differences
    }
}

/// Walks two JSON values together and collects where they differ.
private struct Comparison {
    let hints: ComparisonHints
    var differences: [AnswerDifference] = []

    mutating func note(_ place: String, _ expected: JSONValue?, _ actual: JSONValue?, isSoft: Bool = false) {
        differences.append(AnswerDifference(isSoft: isSoft, place: place, expected: expected, actual: actual))
    }

    mutating func compare(_ expected: JSONValue?, _ actual: JSONValue?, at place: String, isSoft: Bool) {
        switch (expected, actual) {
        case (.object?, .object?):
            compareMembers(expected, actual, at: place, isSoft: isSoft)
        case (.array(let left)?, .array(let right)?):
            for index in 0..<max(left.count, right.count) {
                let items = (left.dropFirst(index).first, right.dropFirst(index).first)
                compare(items.0, items.1, at: "\(place)/\(index)", isSoft: isSoft)
            }
        case (.number(let left)?, .number(let right)?):
            // `1` isn't `1.0`, and `-0.0` isn't `0.0`.
            if left != right || left.double.sign != right.double.sign {
                note(place, expected, actual, isSoft: isSoft)
            }
        default:
            if expected != actual { note(place, expected, actual, isSoft: isSoft) }
        }
    }

    private mutating func compareMembers(
        _ expected: JSONValue?,
        _ actual: JSONValue?,
        at place: String,
        isSoft: Bool
    ) {
        let names = (expected?.members ?? []).map(\.name)
        let others = (actual?.members ?? []).map(\.name)
        let extra = others.filter { expected?[$0] == nil }
        for name in hints.isSubset ? names : names + extra {
            let isWording =
                name == "reason" && expected?["error"] != nil || name == "warning" && expected?["docs"] != nil
            compare(expected?[name], actual?[name], at: "\(place)/\(name)", isSoft: isSoft || isWording)
        }
        let isSameSet = extra.isEmpty && names.count == others.count
        if hints.isOrdered, isSameSet, !zip(names, others).allSatisfy({ $0.utf8.elementsEqual($1.utf8) }) {
            note("\(place) (member order)", expected, actual, isSoft: isSoft)
        }
    }
}
