import SettleCore
import Synchronization

/// An engine whose validators are Swift: a design document's `validate_doc_update` names the one that is meant.
final class FakeEngine: FunctionEngine {
    /// What a validator is asked.
    struct Question {
        var document: JSONValue
        var previous: JSONValue
        var userContext: JSONValue
        var security: JSONValue
    }

    struct Validators {
        /// The reason to forbid a write; nil lets it through.
        var named: [String: @Sendable (Question) -> String?]
    }

    private let validators: Validators
    /// How many requests there were.
    let requests = Atomic(0)

    init(_ validators: [String: @Sendable (Question) -> String?]) {
        self.validators = Validators(named: validators)
    }

    func answer(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) throws(SettleError) -> [UInt8] {
        requests.add(1, ordering: .relaxed)
        guard let request = try? JSONValue(parsing: request), request[0] == "validate",
            let source = (try? JSONValue(parsing: program.text))?["validate_doc_update"]?.string,
            let validator = validators.named[source]
        else { return Array(#"{"error":"not_found","reason":"missing function"}"#.utf8) }
        let verdicts = (request[1]?.array ?? []).map { write -> JSONValue in
            let question = Question(
                document: write[0] ?? .null,
                previous: write[1] ?? .null,
                userContext: request[2] ?? .null,
                security: request[3] ?? .null
            )
            guard let reason = validator(question) else { return 1 }
            return ["threw", ["forbidden": .string(reason)]]
        }
        return JSONValue.array(verdicts).bytes
    }

    func answerInBackground(
        _ request: [UInt8],
        of program: FunctionProgram,
        limits: FunctionLimits
    ) async throws(SettleError) -> [UInt8] {
        try answer(request, of: program, limits: limits)
    }
}
