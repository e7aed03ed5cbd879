// One request on its way: in our name or without it, packed or plain, here or where an answer redirects it to.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Settle
import SettleCore

extension HTTPPeer {
    /// The name of the failure of a request that was refused where a redirection led it, away from who knows us.
    static let elsewhere = "redirected"

    /// Sends a request, and again wherever answers redirect it to.
    func follow(_ request: Request) async throws -> HTTPClientResponse {
        var request = request
        let isRepeatable = request.pieces == nil
        let place = route.place(endpoint.url, isRepeatable: isRepeatable)
        var (url, isOurs) = (place.base + request.path, place.isOurs)
        var visited: Set<String> = [url]
        while true {
            let response = try await send(request, url, isOurs)
            let status = Int(response.status.code)
            let location = response.headers.first(name: "Location")
            guard let redirection = Redirection(status: status, location: location, from: url) else {
                return try await checked(response, isOurs ? nil : url)
            }
            _ = try? await read(response, limit: 1 << 20)
            guard visited.count <= Redirection.limit, visited.insert(redirection.url).inserted else {
                throw PeerFailure(
                    .status(status),
                    name: "redirected_too_often",
                    reason: "\(shownName) redirects again and again, last to \(redirection.url)"
                )
            }
            isOurs = isOurs && redirection.isSameOrigin
            if redirection.keepsMethod,
                let base = Redirection.base(moving: url, suffix: request.path, to: redirection.url)
            {
                route.moved(to: .init(base: base, isOurs: isOurs), isPermanent: redirection.isPermanent)
            }
            if redirection.keepsMethod {
                guard isRepeatable else {
                    // The next attempt goes there at once.
                    throw PeerFailure(
                        .transport,
                        name: "moved",
                        reason: "\(shownName) redirects to \(redirection.url)"
                    )
                }
            } else {
                (request.method, request.body, request.pieces) = (.GET, nil, nil)
            }
            url = redirection.url
        }
    }

    /// Sends a request to a URL, packed if that pays, and as it is if the server does not take it packed.
    private func send(_ request: Request, _ url: String, _ isOurs: Bool) async throws -> HTTPClientResponse {
        guard let packed = packed(request) else {
            return try await send(request, request.body, url, isOurs)
        }
        let answer = try await send(request, packed, url, isOurs)
        // 400 says that it made no sense, or that it did and was wrong.
        guard [400, 415].contains(answer.status.code) else { return answer }
        _ = try? await read(answer, limit: 1 << 20)
        let second = try await send(request, request.body, url, isOurs)
        if second.status != answer.status { route.takesPacked = false }
        return second
    }

    /// The body of a request, packed; nil if that doesn't pay.
    private func packed(_ request: Request) -> Body? {
        guard packs, route.takesPacked, let body = request.body,
            body.buffer.readableBytes >= WirePacker.threshold,
            let bytes = WirePacker.packed(Array(body.buffer.readableBytesView))
        else { return nil }
        var packed = Body(bytes: bytes)
        packed.isPacked = true
        return packed
    }

    /// Sends a request with a body in our name, if that is for that server to know.
    private func send(
        _ request: Request,
        _ body: Body?,
        _ url: String,
        _ isOurs: Bool
    ) async throws -> HTTPClientResponse {
        let (outgoing, watch) = outgoing(request, body, url, isOurs)
        let (way, deadline) = (self.way(for: request), request.deadline)
        guard isOurs else { return try await Self.execute(outgoing, watch, deadline, way) }
        return try await sendAuthenticated(outgoing, watch, isRepeatable: request.pieces == nil) {
            try await Self.execute($0, $1, deadline, way)
        }
    }

    /// Throws what an answer says that is no success; `elsewhere` is where a redirection has led to.
    private func checked(_ response: HTTPClientResponse, _ elsewhere: String?) async throws
        -> HTTPClientResponse
    {
        guard !(200..<300).contains(response.status.code) else { return response }
        let text = try await read(response, limit: 1 << 20)
        let retryAfter = response.headers.first(name: "Retry-After").flatMap { Int($0) }
        let failure = PeerFailure(
            status: Int(response.status.code),
            body: text,
            retryAfter: retryAfter.map { .seconds(max($0, 0)) },
            url: shownName
        )
        guard let elsewhere, [401, 403].contains(response.status.code) else { throw failure }
        throw PeerFailure(
            failure.kind,
            name: Self.elsewhere,
            reason:
                "\(failure.reason) (\(shownName) redirects to \(elsewhere), where no credentials are sent.)"
        )
    }

    private func outgoing(
        _ request: Request,
        _ body: Body?,
        _ url: String,
        _ isOurs: Bool
    ) -> (HTTPClientRequest, BodyWatch?) {
        var outgoing = HTTPClientRequest(url: url)
        outgoing.method = request.method
        outgoing.headers.add(name: "Accept", value: "application/json")
        outgoing.headers.add(name: "User-Agent", value: "Settle")
        for header in (isOurs ? endpoint.headers : []) + request.headers {
            outgoing.headers.replaceOrAdd(name: header.name, value: header.value)
        }
        if request.isForJSON {
            outgoing.headers.replaceOrAdd(name: "Accept-Encoding", value: packs ? "gzip" : "identity")
        }
        var watched: WatchedBody?
        if let body {
            outgoing.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            if body.isPacked { outgoing.headers.add(name: "Content-Encoding", value: "gzip") }
            if body.buffer.readableBytes <= BufferPieces.size {
                outgoing.body = .bytes(body.buffer)
            } else {
                let length = Int64(body.buffer.readableBytes)
                watched = WatchedBody(BufferPieces(buffer: body.buffer), length: length)
            }
        } else if let pieces = request.pieces {
            outgoing.headers.replaceOrAdd(name: "Content-Type", value: pieces.contentType)
            watched = pieces.body
        }
        if let watched { outgoing.body = watched.body }
        return (outgoing, watched?.watch)
    }

    private static func execute(
        _ request: HTTPClientRequest,
        _ watch: BodyWatch?,
        _ deadline: Duration?,
        _ way: HTTPClients.Key
    ) async throws -> HTTPClientResponse {
        var (request, way) = (request, way)
        if let forwarded = way.proxy?.forwarding(request) {
            request = forwarded
            way.forwards = true
        }
        let client = try HTTPClients.client(way)
        let (outgoing, patience) = (request, way.patience)
        let end = deadline.map { NIODeadline.now() + TimeAmount($0) } ?? .distantFuture
        guard let watch else { return try await client.execute(outgoing, deadline: end) }
        watch.restart()
        return try await withThrowingTaskGroup(of: HTTPClientResponse?.self) { group in
            group.addTask { try await client.execute(outgoing, deadline: end) }
            group.addTask {
                try await watch.watch(patience)
                return nil
            }
            defer { group.cancelAll() }
            while let response = try await group.next() {
                if let response { return response }
            }
            throw HTTPClientError.cancelled
        }
    }
}
