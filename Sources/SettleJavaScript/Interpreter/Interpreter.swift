#if JavaScript
import CJavaScriptCore
import SettleCore

// The library on one thread: programs that were asked lately, and a watch over their time.
//
// Programs are forgotten when there are too many, the one that was asked longest ago first: to compile one anew takes a
// few milliseconds.

/// Answers questions on the thread that made it.
@safe
final class Interpreter {
    /// Programs kept at most.
    static let programLimit = 32

    private let group: JSContextGroupRef
    private let timeLimit: TimeLimit
    private let progress: Progress
    /// Whether functions were stopped, or broke what calls them: then another interpreter has to take over.
    private(set) var isSpent = false
    /// The one asked last comes last.
    private var programs: [(identifier: [UInt8], program: CompiledProgram)] = []

    init(progress: Progress = Progress()) {
        unsafe group = JSContextGroupCreate()
        self.progress = progress
        timeLimit = unsafe TimeLimit(group: group, progress: progress)
    }

    deinit {
        programs = []
        unsafe JSContextGroupRelease(group)
    }

    /// Whether a program is still there.
    func knows(_ identifier: [UInt8]) -> Bool { programs.contains { $0.identifier == identifier } }

    /// Makes a program known.
    func add(_ program: FunctionProgram) throws(SettleError) {
        guard !knows(program.identifier) else { return }
        if programs.count >= Self.programLimit { programs.removeFirst() }
        do throws(CompiledProgram.Failure) {
            let compiled = try unsafe CompiledProgram(program, group: group, progress: progress)
            programs.append((program.identifier, compiled))
        } catch {
            throw SettleError(
                function: "query_protocol_error",
                reason: "The functions are in no JSON object."
            )
        }
    }

    /// Answers a request about a program that is known; nil if it isn't.
    func answer(
        _ request: [UInt8],
        of identifier: [UInt8],
        limits: FunctionLimits,
        log: (String) -> Void
    ) throws(SettleError) -> [UInt8]? {
        guard let index = programs.firstIndex(where: { $0.identifier == identifier }) else { return nil }
        let entry = programs.remove(at: index)
        timeLimit.start(seconds: limits.seconds)
        defer { timeLimit.end() }
        let answer: [UInt8]
        do throws(CompiledProgram.Failure) {
            answer = try entry.program.answer(request)
        } catch {
            switch error {
            case .unreadable:
                programs.append(entry)
                throw SettleError(function: "query_protocol_error", reason: "The request is no JSON.")
            case .stopped:
                isSpent = true
                throw timeLimit.hasStopped ? .functionsTookTooLong : .functionsBroke
            }
        }
        programs.append(entry)
        entry.program.takeLogLines().forEach(log)
        if request.count + answer.count > 16 << 20 { entry.program.collectGarbage() }
        return answer
    }
}
#endif
