// The sessions that this process has with other servers.
//
// Checking a password is slow on purpose; checking a cookie is not. So a peer logs in once with `POST /_session`, and
// every job that uses the same account of the same server shares the cookie. A server that has no sessions, or refuses
// one, is sent the password with each request instead.
//
//     unknown ──log in──► open ──grows old, or is refused──► unknown
//                └──no sessions there──► unsupported ──a while──► unknown
//
// The subtle thing: a cookie that is refused right after it was given must not lead to the next login at once, or two
// servers that disagree about the time would keep each other busy; such an account uses the password for a while.

import Synchronization

/// Names an account of a server.
struct PeerAccount: Hashable, Sendable {
    /// Scheme, host and port.
    let origin: String
    let user: String
    let password: String
}

/// What is known about the session of one account.
struct PeerSession: Sendable {
    enum State: Equatable, Sendable {
        case unknown
        /// A token, and when it came.
        case open(token: String, since: ContinuousClock.Instant)
        case unsupported(until: ContinuousClock.Instant)
    }

    /// How a login ended.
    enum Login: Equatable, Sendable {
        case token(String)
        /// The server has no sessions, or did not give one.
        case refused
        /// Nobody answered, which says nothing about sessions.
        case unanswered
    }

    /// Tokens are good for ten minutes unless the server says otherwise; this is a little less.
    static let lifetime = Duration.seconds(550)
    /// A token that is refused at this age or less was never any good.
    static let probation = Duration.seconds(5)
    /// How long the password is used before a session is tried again.
    static let pause = Duration.seconds(600)

    private(set) var state = State.unknown

    /// The token to use; nil for the password.
    func token(at now: ContinuousClock.Instant) -> String? {
        guard case .open(let token, let since) = state, now - since < Self.lifetime else { return nil }
        return token
    }

    /// Whether to log in before the next request.
    func needsLogin(at now: ContinuousClock.Instant) -> Bool {
        switch state {
        case .unknown: true
        case .open(_, let since): now - since >= Self.lifetime
        case .unsupported(let until): now >= until
        }
    }

    mutating func ended(_ login: Login, at now: ContinuousClock.Instant) {
        switch login {
        case .token(let token): state = .open(token: token, since: now)
        case .refused: state = .unsupported(until: now + Self.pause)
        case .unanswered: state = .unknown
        }
    }

    /// The server has sent a newer token with an answer.
    mutating func renewed(_ token: String, at now: ContinuousClock.Instant) {
        guard case .open = state else { return }
        state = .open(token: token, since: now)
    }

    /// The server refused a request with this token; answers whether to try again with whatever is right now.
    ///
    /// A server that knows who we are (403 instead of 401) most likely means what it says.
    mutating func refused(_ token: String, knowing: Bool, at now: ContinuousClock.Instant) -> Bool {
        guard case .open(token, let since) = state else { return true }
        let isNew = now - since <= Self.probation
        if isNew, knowing { return false }
        state = isNew ? .unsupported(until: now + Self.pause) : .unknown
        return true
    }
}

/// The sessions of this process.
final class PeerSessions: Sendable {
    static let shared = PeerSessions()

    private struct Entry {
        var session = PeerSession()
        /// The login that is under way; those who come meanwhile wait for it.
        var login: Task<PeerSession.Login, Never>?
    }

    private let entries = Mutex<[PeerAccount: Entry]>([:])

    /// The token for an account, after logging in where that is due; nil where the password is to be sent.
    func token(
        for account: PeerAccount,
        logIn: @escaping @Sendable () async -> PeerSession.Login
    ) async -> String? {
        let now = ContinuousClock.now
        let login: Task<PeerSession.Login, Never>? = entries.withLock { entries in
            guard entries[account, default: Entry()].session.needsLogin(at: now) else { return nil }
            if let login = entries[account]?.login { return login }
            // A task of its own: the job that needs the session first may be cancelled, others may not.
            let login = Task { await logIn() }
            entries[account, default: Entry()].login = login
            return login
        }
        if let login {
            let outcome = await login.value
            entries.withLock { entries in
                guard entries[account]?.login == login else { return }
                entries[account]?.login = nil
                entries[account]?.session.ended(outcome, at: .now)
            }
        }
        return entries.withLock { $0[account]?.session.token(at: .now) }
    }

    func renewed(_ account: PeerAccount, _ token: String) {
        entries.withLock { $0[account]?.session.renewed(token, at: .now) }
    }

    func refused(_ account: PeerAccount, _ token: String, knowing: Bool) -> Bool {
        entries.withLock { $0[account]?.session.refused(token, knowing: knowing, at: .now) } ?? true
    }
}
