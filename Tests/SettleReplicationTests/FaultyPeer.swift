import SettleCore
import SettleTestSupport
import Synchronization

@testable import SettleReplication

/// A peer whose requests fail at random, sometimes after they were done.
final class FaultyPeer: ForwardingPeer {
    let peer: any Peer
    private let random: Mutex<SeededGenerator>
    /// One request in so many fails.
    private let odds: Int

    init(_ peer: any Peer, seed: UInt64, odds: Int) {
        self.peer = peer
        self.odds = odds
        random = Mutex(SeededGenerator(seed: seed))
    }

    private func roll() -> Int { random.withLock { Int.random(in: 0..<odds * 2, using: &$0) } }

    private func perhaps<Answer>(
        _ request: () async throws(PeerFailure) -> Answer
    ) async throws(PeerFailure) -> Answer {
        let fate = roll()
        let cut = PeerFailure(.transport, name: "cut", reason: "by the test")
        if fate == 0 { throw cut }
        let answer = try await request()
        if fate == 1 { throw cut }
        return answer
    }

    func information() async throws(PeerFailure) -> PeerInformation {
        if roll() == 0 { throw PeerFailure(.status(503), name: "busy", reason: "by the test") }
        return try await peer.information()
    }
    func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        try await perhaps { () async throws(PeerFailure) in try await peer.changes(query) }
    }
    func missing(from rows: [ChangedDocument]) async throws(PeerFailure) -> [WantedRevision] {
        try await perhaps { () async throws(PeerFailure) in try await peer.missing(from: rows) }
    }
    func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer {
        try await perhaps { () async throws(PeerFailure) in try await peer.fetch(wanted) }
    }
    func fetchAlone(_ wanted: WantedRevision) async throws(PeerFailure) -> FetchAnswer {
        try await perhaps { () async throws(PeerFailure) in try await peer.fetchAlone(wanted) }
    }
    func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        try await perhaps { () async throws(PeerFailure) in try await peer.write(documents) }
    }
    func fetchAttached(
        _ questions: [AttachedQuestion],
        held: Set<BlobKey>
    ) async throws(PeerFailure) -> AttachedAnswer {
        try await perhaps { () async throws(PeerFailure) in
            var answer = try await peer.fetchAttached(questions, held: held)
            guard roll() < 3, let last = answer.documents.popLast() else { return answer }
            // Breaks off before the last document.
            answer.left += questions.indices.filter { questions[$0] == last.question }
            answer.isCut = true
            return answer
        }
    }
    func writeAttached(_ documents: [AttachedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        try await perhaps { () async throws(PeerFailure) in try await peer.writeAttached(documents) }
    }
    func send(
        _ question: AttachedQuestion,
        held: Set<BlobKey>,
        to channel: RevisionChannel
    ) async throws(PeerFailure) {
        guard roll() == 0 else {
            return try await perhaps { () async throws(PeerFailure) in
                try await peer.send(question, held: held, to: channel)
            }
        }
        // Breaks off after a few pieces.
        let inner = RevisionChannel()
        let count = random.withLock { Int.random(in: 1...6, using: &$0) }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [peer] in
                inner.finish(
                    await attempt { () async throws(PeerFailure) in
                        try await peer.send(question, held: held, to: inner)
                    }
                )
            }
            for _ in 0..<count {
                guard let event = try? await inner.next(), await channel.send(event) else { break }
            }
            inner.close()
        }
        throw PeerFailure(.transport, name: "cut", reason: "by the test, in the middle")
    }
    func take(
        _ revision: AttachedRevision,
        of id: DocumentID,
        from channel: RevisionChannel
    ) async throws(PeerFailure) -> WriteRejection? {
        try await perhaps { () async throws(PeerFailure) in
            try await peer.take(revision, of: id, from: channel)
        }
    }
    func saveLocalDocument(_ name: String, _ document: JSONObject) async throws(PeerFailure) -> String {
        try await perhaps { () async throws(PeerFailure) in try await peer.saveLocalDocument(name, document) }
    }
}
