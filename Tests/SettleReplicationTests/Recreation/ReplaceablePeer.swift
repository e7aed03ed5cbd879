import Foundation
import Settle
import SettleCore
import SettleTestSupport
import Synchronization

@testable import SettleReplication

/// A peer behind which another database is put while nobody looks.
///
/// One that is anonymous says of itself what PouchDB's server says: "0" of when it was made, sequences that are mere
/// numbers, and nothing to whoever is further than it.
final class ReplaceablePeer: ForwardingPeer {
    private struct State {
        var peer: LocalPeer
        var successor: LocalPeer?
        /// How many more requests for documents, or writes of them, the first database answers.
        var requests: Int
        /// How often it was asked what it is.
        var questions = 0
    }

    private let state: Mutex<State>
    private let isAnonymous: Bool
    /// Whether it says each time that it was made just now.
    private let isMadeAnewEachTime: Bool

    init(_ database: Database, isAnonymous: Bool = false, isMadeAnewEachTime: Bool = false) {
        state = Mutex(State(peer: LocalPeer(database), requests: .max))
        self.isAnonymous = isAnonymous
        self.isMadeAnewEachTime = isMadeAnewEachTime
    }

    /// The incarnation as this peer shows it.
    private func shown(_ incarnation: String) -> String {
        if isAnonymous { return "0" }
        guard isMadeAnewEachTime else { return incarnation }
        return state.withLock { state in
            state.questions += 1
            return "\(state.questions)"
        }
    }

    /// From now on, or after so many requests for documents or writes of them, this is another database.
    func replace(by database: Database, after requests: Int = 0) {
        state.withLock { state in
            state.requests = requests
            if requests == 0 {
                state.peer = LocalPeer(database)
            } else {
                state.successor = LocalPeer(database)
            }
        }
    }

    var peer: any Peer { state.withLock { $0.peer } }

    private func count() {
        state.withLock { state in
            if state.requests < .max { state.requests -= 1 }
            guard state.requests == 0, let successor = state.successor else { return }
            (state.peer, state.successor) = (successor, nil)
        }
    }

    /// The sequence as this peer shows it.
    private func shown(_ sequence: SourceSequence) -> SourceSequence {
        guard isAnonymous else { return sequence }
        let digits = sequence.json.filter { $0 != 34 }.prefix { $0 != 45 }
        return SourceSequence(json: Array(digits))
    }

    func information() async throws(PeerFailure) -> PeerInformation {
        let information = try await peer.information()
        return PeerInformation(
            isEmpty: information.isEmpty,
            updateSequence: shown(information.updateSequence),
            incarnation: shown(information.incarnation)
        )
    }

    func changes(_ query: ChangesRequest) async throws(PeerFailure) -> ChangesPage {
        var once = query
        once.waits = false
        while true {
            let peer = peer
            let last = shown(try await peer.information().updateSequence)
            var page = ChangesPage(rows: [], lastRowSequence: nil, lastSequence: query.since, pending: 0)
            if !isAnonymous || !query.since.isAhead(of: last) {
                let found = try await peer.changes(once)
                page = ChangesPage(
                    rows: found.rows,
                    lastRowSequence: found.lastRowSequence.map(shown),
                    lastSequence: shown(found.lastSequence),
                    pending: found.pending
                )
            }
            guard query.waits, page.rows.isEmpty else { return page }
            do {
                try await Task.sleep(for: .milliseconds(3))
            } catch {
                throw PeerFailure(.transport, name: "cancelled", reason: "by the end of the session")
            }
        }
    }

    func fetch(_ wanted: [WantedRevision]) async throws(PeerFailure) -> FetchAnswer {
        defer { count() }
        return try await peer.fetch(wanted)
    }

    func write(_ documents: [FetchedDocument]) async throws(PeerFailure) -> [WriteRejection] {
        defer { count() }
        return try await peer.write(documents)
    }

    func ensureFullCommit() async throws(PeerFailure) -> String {
        shown(try await peer.ensureFullCommit())
    }
}

/// Databases put back from a backup: copies of a database's files, which are it in all but what came later.
final class Backups: Sendable {
    private let directory = TemporaryDirectory()
    private let folder: DatabaseFolder

    init() throws {
        folder = try DatabaseFolder(path: directory.path, options: StoreOptions(syncsCommits: false))
    }

    /// The database as it is now; later changes are not in it.
    func take(of database: Database) throws -> Database {
        try FileManager.default.copyItem(
            atPath: database.directory,
            toPath: "\(directory.path)/\(database.name).settle"
        )
        guard let copy = try folder.open(database.name) else { throw Database.doesNotExist }
        return copy
    }
}
