// How documents are cleared for writing before their transaction begins.
//
//     submit ──► rules known, no validators, no design document ────────────────────────► writer's queue
//        └─────► a validation thread: look in a snapshot, ask the engine, drop what is refused ──► writer's queue
//                     ▲                                                                               │
//                     └────────── the rules, or what an edit replaces, have changed since ◄───────────┘
//
// Nothing foreign runs inside a write transaction: one that waited for a function would hold up every writer of the
// database, and the function decides for how long. The threads here are apart from the writers' for the same reason.

import SettleCore
import SettleStorage

/// What a write's documents were found to comply with.
struct WriteClearance: Sendable {
    let rules: RulesVersion
    /// What each edit replaces, where that matters; empty if it matters for none.
    var priors: [PriorRevision?] = []
}

/// A request on its way to the writer.
struct ClearedRequest: Sendable {
    let request: WriteRequest
    var clearance: WriteClearance?
    /// How often it has been looked at.
    var rounds = 0
}

extension Database {
    /// Threads that wait for validators.
    private static let validationThreads = WorkerThreads(count: 4)
    /// A write that is sent back this often competes with something that never rests.
    private static let roundLimit = 100

    /// Hands documents to the writer, at once or after they have been validated.
    func clear(_ request: ClearedRequest, _ completion: @escaping Writer.Completion) {
        guard case .edits(let edits, _) = request.request else { return }
        let rules: WriteRules
        do throws(SettleError) {
            rules = try self.rules.rules(of: self)
        } catch {
            // The caller may hold a lock that a completion wants.
            WorkerThreads.shared.submit { completion(.failure(error)) }
            return
        }
        guard rules.validators.isEmpty, !edits.contains(where: \.isOfDesignDocument) else {
            Self.validationThreads.submit { self.validate(request, completion) }
            return
        }
        var request = request
        request.clearance = WriteClearance(rules: rules.version)
        writer.submit(request, to: self, completion)
    }

    /// Looks at documents once more whose transaction found something changed.
    func clearAgain(_ request: ClearedRequest, _ completion: @escaping Writer.Completion) {
        guard request.rounds < Self.roundLimit else {
            let reason = "The document, or what it must comply with, keeps changing."
            completion(.failure(SettleError(.unavailable, reason)))
            return
        }
        var request = request
        request.rounds += 1
        do throws(SettleError) {
            try rules.reload(from: self)
        } catch {
            completion(.failure(error))
            return
        }
        clear(request, completion)
    }

    /// Asks the validators, on a thread that may wait for them.
    private func validate(
        _ request: ClearedRequest,
        _ completion: @escaping Writer.Completion
    ) {
        guard case .edits(let edits, let context) = request.request else { return }
        let rules: WriteRules
        let validation: WriteValidation
        do throws(SettleError) {
            rules = try self.rules.current(of: self)
            validation = try WriteValidation(of: edits, by: context, rules, in: self)
        } catch {
            completion(.failure(error))
            return
        }
        let passed = edits.indices.filter { validation.refusals[$0] == nil }
        let refusals = validation.refusals
        guard !passed.isEmpty else {
            completion(.success(.edits(refusals.map { .failed($0 ?? SettleError(.forbidden)) })))
            return
        }
        let clearance = WriteClearance(
            rules: rules.version,
            priors: passed.map { validation.priors[$0] }
        )
        let cleared = ClearedRequest(
            request: .edits(passed.count == edits.count ? edits : passed.map { edits[$0] }, by: context),
            clearance: clearance,
            rounds: request.rounds
        )
        guard passed.count < edits.count else {
            writer.submit(cleared, to: self, completion)
            return
        }
        // Those that were refused have their outcomes; they are put between the others' when these are known.
        writer.submit(cleared, to: self) { result in
            completion(
                result.map { result in
                    guard case .edits(let written) = result else { return result }
                    var outcomes = refusals.map { refusal -> EditOutcome in
                        .failed(refusal ?? SettleError(.internalError))
                    }
                    for (place, outcome) in zip(passed, written) { outcomes[place] = outcome }
                    return .edits(outcomes)
                }
            )
        }
    }
}

extension DocumentEdit {
    /// Whether this writes a design document.
    var isOfDesignDocument: Bool { id.bytes.first == UInt8(ascii: "_") && id.isDesign }
}
