// Who we are for a server: the cookie of a session where it has sessions, else name and password.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SettleCore

extension HTTPPeer {
    /// The account that requests are made with; nil if there is none, or the endpoint's headers say who we are.
    private var account: PeerAccount? {
        guard let user = endpoint.user, let password = endpoint.password else { return nil }
        let ownHeaders = ["authorization", "cookie"]
        guard !endpoint.headers.contains(where: { ownHeaders.contains($0.name.lowercased()) }) else {
            return nil
        }
        return PeerAccount(origin: endpoint.origin, user: user, password: password)
    }

    /// Sends a request in our name, and once more with a new session where the old one has run out.
    ///
    /// `isRepeatable` says whether the request's body can be sent twice; `watch` is told when it is taken.
    func sendAuthenticated(
        _ request: HTTPClientRequest,
        _ watch: BodyWatch?,
        isRepeatable: Bool,
        _ execute: @escaping @Sendable (HTTPClientRequest, BodyWatch?) async throws -> HTTPClientResponse
    ) async throws -> HTTPClientResponse {
        guard let account else { return try await execute(withPassword(request), watch) }
        var isSecondTry = false
        while true {
            let peer = self
            let token = await PeerSessions.shared.token(for: account) { await peer.logIn(execute) }
            guard let token else { return try await execute(withPassword(request), watch) }
            var outgoing = request
            outgoing.headers.replaceOrAdd(name: "Cookie", value: "AuthSession=\(token)")
            let response = try await execute(outgoing, watch)
            if let newer = response.headers.sessionToken { PeerSessions.shared.renewed(account, newer) }
            guard response.status == .unauthorized || response.status == .forbidden && isRepeatable,
                !isSecondTry,
                PeerSessions.shared.refused(account, token, knowing: response.status == .forbidden)
            else { return response }
            _ = try? await read(response, limit: 1 << 20)
            guard isRepeatable else {
                let reason = "\(shownName) has forgotten the session."
                throw PeerFailure(.transport, name: "session_expired", reason: reason)
            }
            isSecondTry = true
        }
    }

    private func withPassword(_ request: HTTPClientRequest) -> HTTPClientRequest {
        guard let user = endpoint.user, !request.headers.contains(name: "Authorization") else {
            return request
        }
        var request = request
        let credentials = Base64.encoded(Array("\(user):\(endpoint.password ?? "")".utf8))
        request.headers.add(name: "Authorization", value: "Basic \(credentials)")
        return request
    }

    private func logIn(
        _ execute: @Sendable (HTTPClientRequest, BodyWatch?) async throws -> HTTPClientResponse
    ) async -> PeerSession.Login {
        var request = HTTPClientRequest(url: endpoint.origin + "/_session")
        request.method = .POST
        request.headers = ["Accept": "application/json", "User-Agent": "Settle"]
        for header in endpoint.headers {
            request.headers.replaceOrAdd(name: header.name, value: header.value)
        }
        request.headers.replaceOrAdd(name: "Content-Type", value: "application/x-www-form-urlencoded")
        let (user, password) = (endpoint.user ?? "", endpoint.password ?? "")
        request.body = .bytes(
            ByteBuffer(
                string:
                    "name=\(PercentEncoding.encoded(user.utf8))&password=\(PercentEncoding.encoded(password.utf8))"
            )
        )
        guard let response = try? await execute(request, nil) else { return .unanswered }
        _ = try? await read(response, limit: 1 << 20)
        guard response.status == .ok, let token = response.headers.sessionToken else {
            return response.status.code >= 500 && response.status != .notImplemented ? .unanswered : .refused
        }
        return .token(token)
    }
}

extension HTTPHeaders {
    /// The token that an answer gives.
    fileprivate var sessionToken: String? {
        self["Set-Cookie"].lazy.compactMap { SessionCookie.value(in: $0) }.first
    }
}
