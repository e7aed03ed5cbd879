// A scenario: requests that were once sent to a real CouchDB 3.5.0, with the answers it gave.
//
// `Fixtures/conformance/README.md` describes the files. Everything is kept as JSON until it is used, because
// variables may stand in any string of a step.

import Foundation
import SettleCore
import Testing

struct Scenario: Sendable {
    let name: String
    let area: String
    /// Whether the runner creates the database `${db}` before the first step.
    let createsDatabase: Bool
    let steps: [Step]
    /// The whole file as text: which variables are used at all.
    let text: String

    init(file: URL) throws {
        let bytes = [UInt8](try Data(contentsOf: file))
        let json = try JSONValue(parsing: bytes)
        guard let name = json["name"]?.string, let area = json["area"]?.string,
            let steps = json["steps"]?.array
        else { throw ScenarioError.malformed(file.lastPathComponent) }
        self.name = name
        self.area = area
        createsDatabase = json["db"] != .bool(false)
        self.steps = steps.enumerated().map { Step(number: $0.offset + 1, json: $0.element) }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// The scenarios of these areas, in order of their names.
    static func all(in areas: [String]) throws -> [Scenario] {
        try areas.flatMap { area in
            let folder = Fixtures.conformance.appending(path: area)
            let files = try FileManager.default.contentsOfDirectory(
                at: folder,
                includingPropertiesForKeys: nil
            )
            return try files.filter { $0.pathExtension == "json" }.map(Scenario.init(file:))
                .sorted { $0.name < $1.name }
        }
    }
}

extension Scenario: CustomTestStringConvertible {
    var testDescription: String { "\(area)/\(name)" }
}

enum ScenarioError: Error {
    case malformed(String)
    case unknownBackground(String)
}

/// Where the recorded files are in a checkout.
enum Fixtures {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Fixtures")
    static let conformance = folder.appending(path: "conformance")
}

/// One request and what was answered.
struct Step: Sendable {
    /// From 1, as people count.
    let number: Int
    let json: JSONValue

    var name: String { json["name"]?.string ?? "" }
    var title: String {
        let request = [json["method"]?.string ?? "JOIN", json["path"]?.string ?? ""]
        return "step \(number) “\(name)” \(request.joined(separator: " "))"
    }
    /// The name under which the request runs on while later steps go ahead.
    var background: String? { json["background"]?.string }
    /// The background request whose answer this step waits for.
    var join: String? { json["join"]?.string }
    var wait: Duration { .seconds(json["wait"]?.double ?? 0) }
    var timeout: Duration { .seconds(json["timeout"]?.double ?? 30) }
    /// Variable name and the place that its value is taken from.
    var saves: [(variable: String, place: String)] {
        (json["save"]?.members ?? []).compactMap { member in member.value.string.map { (member.name, $0) } }
    }

    /// The step that `join` completes: the request of the one begun earlier, the expectations of this one.
    func completing(_ begun: Step) -> Step {
        let own = json.members
        let kept = begun.json.members.filter { member in
            !own.contains { $0.name.utf8.elementsEqual(member.name.utf8) }
        }
        return Step(number: number, json: .object(JSONObject((kept + own).map { ($0.name, $0.value) })))
    }
}

/// How a step's answer is to be compared.
struct ComparisonHints: Sendable {
    var ignored: [String] = []
    var unordered: [String] = []
    var isSubset = false
    var isOrdered = false
    var isRaw = false
    var hasExactSequences = false
    var headers: [String] = []

    init() {}

    init(_ json: JSONValue?) {
        func strings(_ name: String) -> [String] { json?[name]?.array?.compactMap(\.string) ?? [] }
        ignored = strings("ignore")
        unordered = strings("unordered")
        headers = strings("headers")
        isSubset = json?["subset"] == .bool(true)
        isOrdered = json?["ordered"] == .bool(true)
        isRaw = json?["raw"] == .bool(true)
        hasExactSequences = json?["seq"]?.string == "exact"
    }
}
