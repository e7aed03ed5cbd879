// Plays a scenario against a server, step by step.

import SettleCore
import SettleTestSupport

/// What came of one step.
struct StepResult: Sendable {
    let step: Step
    let differences: [String]

    var passed: Bool { differences.isEmpty }
}

struct ScenarioRunner {
    static let administrator = "admin:adminpw"

    let scenario: Scenario
    let endpoint: HTTPEndpoint
    private var variables = Variables()
    private var databases: [String] = []
    private var users: [String] = []

    init(_ scenario: Scenario, endpoint: HTTPEndpoint) {
        self.scenario = scenario
        self.endpoint = endpoint
        let unique = String(UInt32.random(in: .min ... .max), radix: 16)
        variables["uniq"] = .string(String(repeating: "0", count: 8 - unique.count) + unique)
        variables["base"] = .string("http://\(endpoint.host):\(endpoint.port)")
        variables["authbase"] = .string("http://\(Self.administrator)@\(endpoint.host):\(endpoint.port)")
        for name in ["db", "db2", "db3", "db4", "db5", "db6", "user", "user2", "user3"]
        where scenario.text.contains("${\(name)}") {
            variables[name] = .string("conf-\(unique)-\(name)")
            if name.hasPrefix("db") { databases.append(name) } else { users.append(name) }
        }
    }

    /// Runs every step and deletes what the scenario made.
    mutating func run() async throws -> [StepResult] {
        if scenario.createsDatabase, databases.contains("db") {
            _ = await send("PUT", "/${db}")
        }
        let results: [StepResult]
        do {
            results = try await runSteps()
        } catch {
            await cleanUp()
            throw error
        }
        await cleanUp()
        return results
    }

    private mutating func runSteps() async throws -> [StepResult] {
        var results: [StepResult] = []
        var waiting: [String: (step: Step, answer: Task<HTTPAnswer, Never>)] = [:]
        for step in scenario.steps {
            try await Task.sleep(for: step.wait)
            if let name = step.background {
                let (request, endpoint) = (self.request(step), endpoint)
                waiting[name] = (step, Task { await Self.answer(request, endpoint, step.timeout) })
                try await Task.sleep(for: .milliseconds(400))
            } else if let name = step.join {
                guard let begun = waiting.removeValue(forKey: name) else {
                    throw ScenarioError.unknownBackground(name)
                }
                results.append(judge(await begun.answer.value, to: step.completing(begun.step)))
            } else {
                results.append(judge(await Self.answer(request(step), endpoint, step.timeout), to: step))
            }
        }
        return results
    }

    private mutating func judge(_ answer: HTTPAnswer, to step: Step) -> StepResult {
        var differences: [String] = []
        for (variable, place) in step.saves {
            if let value = Self.value(at: place, in: answer) {
                variables[variable] = value
            } else {
                differences.append("save \(variable): nothing at \(place)")
            }
        }
        guard let recorded = step.json["expect"] else {
            return StepResult(step: step, differences: differences)
        }
        let found = AnswerDifference.between(
            ComparableAnswer(recorded: variables.substitute(recorded)),
            ComparableAnswer(answer, to: step),
            ComparisonHints(step.json["compare"])
        )
        differences += found.filter { !$0.isSoft }.map(\.description)
        return StepResult(step: step, differences: differences)
    }

    private func cleanUp() async {
        for name in users {
            let path = "/_users/org.couchdb.user:${\(name)}"
            let answer = await send("GET", path)
            if let revision = (try? JSONValue(parsing: answer.body))?["_rev"]?.string {
                _ = await send("DELETE", "\(path)?rev=\(revision)")
            }
        }
        for name in databases {
            _ = await send("DELETE", "/${\(name)}")
        }
    }
}

extension ScenarioRunner {
    private func send(_ method: String, _ path: String) async -> HTTPAnswer {
        let step = Step(number: 0, json: ["method": .string(method), "path": .string(path)])
        return await Self.answer(request(step), endpoint, step.timeout)
    }

    /// The answer; one with status 0 when there was none.
    private static func answer(
        _ request: HTTPRequest,
        _ endpoint: HTTPEndpoint,
        _ timeout: Duration
    ) async -> HTTPAnswer {
        do {
            return try await endpoint.send(request, timeout: timeout).decoded()
        } catch {
            return HTTPAnswer(status: 0, headers: [], body: Array("\(error)".utf8))
        }
    }

    private func request(_ step: Step) -> HTTPRequest {
        var headers = [("Accept", "application/json"), ("Accept-Encoding", "identity")]
        var body: [UInt8]?
        if let json = step.json["json"] {
            body = variables.substitute(json).bytes
            headers.append(("Content-Type", "application/json"))
        } else if let text = step.json["text"]?.string {
            body = Array(variables.substitute(text).utf8)
        } else if let encoded = step.json["base64"]?.string {
            body = Base64.decode(encoded)
        }
        if let who = credentials(step.json["auth"]) {
            headers.append(("Authorization", "Basic \(Base64.encode(Array(who.utf8)))"))
        }
        for header in step.json["headers"]?.members ?? [] {
            headers.removeAll { $0.0.lowercased() == header.name.lowercased() }
            if let text = header.value.string { headers.append((header.name, variables.substitute(text))) }
        }
        return HTTPRequest(
            step.json["method"]?.string ?? "GET",
            variables.substitute(step.json["path"]?.string ?? ""),
            headers: headers,
            body: body,
            chunkSize: step.json["chunked"] == .bool(true) ? 9 : nil
        )
    }

    /// `user:password`; nil for a request without any.
    private func credentials(_ auth: JSONValue?) -> String? {
        guard let auth, auth.string != "admin" else { return Self.administrator }
        guard let user = auth["user"]?.string, let password = auth["password"]?.string else { return nil }
        return variables.substitute("\(user):\(password)")
    }

    /// What a `save` entry points at: a JSON pointer into the body, `header:NAME` or `cookie:NAME`.
    private static func value(at place: String, in answer: HTTPAnswer) -> JSONValue? {
        if place.hasPrefix("header:") {
            return answer.header(String(place.dropFirst(7))).map(JSONValue.string)
        }
        if place.hasPrefix("cookie:") {
            let cookie = answer.header("Set-Cookie") ?? ""
            guard let name = cookie.firstRange(of: "\(place.dropFirst(7))=") else { return nil }
            return .string(String(cookie[name.upperBound...].prefix { $0 != ";" }))
        }
        return (try? JSONValue(parsing: answer.body))?.value(at: place)
    }
}
