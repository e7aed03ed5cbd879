// What happens to a few peers before the network heals: edits, copies through a bad network, servers killed.
//
// A schedule is made from a seed and is a plain list, so that a failing one can be shortened: steps are dropped as long
// as it goes on failing. Steps therefore name things by numbers that always mean something ("the choice-th leaf of
// document 2, whichever there are then"), and none depends on another one having happened.

import SettleTestSupport

/// Steps for some peers.
struct ConvergenceSchedule: Sendable {
    /// Which of the world's peers take part.
    var peers: [Int]
    var steps: [Step]
    /// Who runs the replications that bring everything together in the end, in turn.
    var healers: [Copy.Runner]

    indirect enum Step: Sendable, CustomStringConvertible {
        case edit(peer: Int, Edit)
        case copy(Copy)
        /// The peer's server is killed and started again.
        case kill(peer: Int)
        case compact(peer: Int)
        /// All of these at once.
        case together([Step])
        /// A document disappears without a trace. No schedule has this, but for the one that must be found wanting.
        case lose(peer: Int, document: Int)

        var description: String {
            switch self {
            case .edit(let peer, let edit):
                "peer \(peer): \(edit.kind) document \(edit.document), choice \(edit.choice)"
            case .copy(let copy):
                "copy \(copy.from) -> \(copy.to), run by \(copy.runner), cuts \(copy.cuts ?? 0), batches of \(copy.batch)"
            case .kill(let peer): "peer \(peer): killed"
            case .compact(let peer): "peer \(peer): compacts"
            case .together(let steps): "at once: [\(steps.map(\.description).joined(separator: "; "))]"
            case .lose(let peer, let document): "peer \(peer): loses document \(document)"
            }
        }
    }

    /// A change of one document.
    struct Edit: Sendable {
        enum Kind: Sendable {
            case change, delete, fork, detach
            case attach(bytes: Int, isText: Bool)
            /// Many new documents at once.
            case load(Int)
        }

        let document: Int
        let kind: Kind
        /// Picks the leaf, and makes the content.
        let choice: UInt64
    }

    /// A replication.
    struct Copy: Sendable {
        enum Runner: Sendable {
            /// The tests' own process, which asks a peer of this process directly.
            case here
            case source, target
        }

        let from: Int
        let to: Int
        let runner: Runner
        /// Connections carry at most so many bytes; nil: a good network.
        let cuts: Int?
        let batch: Int
    }

    /// The names of the documents: what is awkward in URLs among them.
    static let documents = ["a", "ü/b+c%41", "_design/d", "e \"f\"", "g"]
}

extension ConvergenceSchedule {
    /// A schedule for some of `count` peers.
    init(seed: UInt64, peers count: Int, steps: ClosedRange<Int>) {
        var random = SeededGenerator(seed: seed)
        peers = Array((0..<count).shuffled(using: &random).prefix(Int.random(in: 2...count, using: &random)))
        healers = [.here, .source, .target].shuffled(using: &random)
        self.steps = []
        for _ in 0..<Int.random(in: steps, using: &random) {
            self.steps.append(Step(peers, isNested: false, &random))
        }
    }
}

extension ConvergenceSchedule.Step {
    fileprivate init(_ peers: [Int], isNested: Bool, _ random: inout SeededGenerator) {
        let peer = peers.randomElement(using: &random) ?? 0
        switch Int.random(in: 0..<(isNested ? 20 : 24), using: &random) {
        case 0..<11: self = .edit(peer: peer, .init(&random))
        case 11..<17: self = .copy(.init(peers, &random))
        case 17..<19: self = .kill(peer: peer)
        case 19: self = .compact(peer: peer)
        default:
            let count = Int.random(in: 2...4, using: &random)
            self = .together(
                [.copy(.init(peers, &random))] + (1..<count).map { _ in Self(peers, isNested: true, &random) }
            )
        }
    }
}

extension ConvergenceSchedule.Edit {
    fileprivate init(_ random: inout SeededGenerator) {
        document = Int.random(in: 0..<ConvergenceSchedule.documents.count, using: &random)
        choice = random.next()
        kind =
            switch Int.random(in: 0..<20, using: &random) {
            case 0..<6: .change
            case 6..<8: .delete
            case 8..<12: .fork
            case 12..<17:
                .attach(
                    bytes: [0, 10, 5_000, 70_000, 400_000].randomElement(using: &random) ?? 0,
                    isText: Bool.random(using: &random)
                )
            case 17..<19: .detach
            default: .load(Int.random(in: 1...60, using: &random))
            }
    }
}

extension ConvergenceSchedule.Copy {
    fileprivate init(_ peers: [Int], _ random: inout SeededGenerator) {
        let pair = peers.shuffled(using: &random).prefix(2)
        (from, to) = (pair.first ?? 0, pair.last ?? 0)
        runner = [.here, .here, .source, .target].randomElement(using: &random) ?? .here
        cuts = [nil, 3_000, 30_000, 300_000].randomElement(using: &random) ?? nil
        batch = [1, 7, 500].randomElement(using: &random) ?? 500
    }
}
