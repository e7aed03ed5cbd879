// What a replication learns about the way to a peer while it uses it: where the database has moved to, and what the server
// does not understand. It is forgotten with the replication, and the place also when nobody answers there any more.

import SettleCore
import Synchronization

/// The way to a peer, as far as it is not what the URL says.
final class PeerRoute: Sendable {
    /// Where a database's URLs begin.
    struct Place: Hashable, Sendable {
        let base: String
        /// Whether it is the server that the user named, which may know who we are.
        let isOurs: Bool
    }

    private struct State {
        var permanent: Place?
        var latest: Place?
        var takesPacked = true
        var comparesRevisions = true
        var tellsContents = true
    }

    private let state = Mutex(State())

    /// Where to send a request that otherwise goes below `url`.
    ///
    /// One that cannot be sent twice goes straight to where the last answer sent another.
    func place(_ url: String, isRepeatable: Bool) -> Place {
        state.withLock {
            ($0.permanent ?? (isRepeatable ? nil : $0.latest)) ?? Place(base: url, isOurs: true)
        }
    }

    /// Notes where an answer has sent a request.
    func moved(to place: Place, isPermanent: Bool) {
        state.withLock { state in
            state.latest = place
            if isPermanent { state.permanent = place }
        }
    }

    /// Nobody answers there.
    func forgetPlace() {
        state.withLock { ($0.permanent, $0.latest) = (nil, nil) }
    }

    /// Whether the server takes bodies that are packed, as far as is known.
    var takesPacked: Bool {
        get { state.withLock { $0.takesPacked } }
        set { state.withLock { $0.takesPacked = newValue } }
    }

    /// Whether the server knows `_revs_diff`, as far as is known.
    var comparesRevisions: Bool {
        get { state.withLock { $0.comparesRevisions } }
        set { state.withLock { $0.comparesRevisions = newValue } }
    }

    /// Whether the server tells which contents of attachments it holds, as far as is known.
    var tellsContents: Bool {
        get { state.withLock { $0.tellsContents } }
        set { state.withLock { $0.tellsContents = newValue } }
    }
}
