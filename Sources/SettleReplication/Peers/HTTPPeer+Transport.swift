// How requests travel: over clients that all peers share, which keep connections open and reuse them.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SettleCore

extension HTTPPeer {
    /// The body of a request.
    struct Body {
        var buffer: ByteBuffer

        init(capacity: Int) {
            buffer = ByteBufferAllocator().buffer(capacity: capacity)
        }

        init(bytes: [UInt8]) {
            buffer = ByteBuffer(bytes: bytes)
        }

        mutating func append(_ bytes: ArraySlice<UInt8>) {
            buffer.writeBytes(bytes)
        }
    }

    /// A request below the database's URL.
    struct Request {
        var method: HTTPMethod
        var path: String
        var body: Body?
        var headers: [NamedText]
        /// The whole time a short question may take; nil: as long as bytes keep coming.
        var deadline: Duration?
        /// The most bytes of an answer.
        var limit: Int
        /// Whether the answer may take for ever, because it waits for changes.
        var isFeed = false

        init(
            _ method: HTTPMethod,
            _ path: String,
            body: Body? = nil,
            headers: [NamedText] = [],
            deadline: Duration? = nil,
            limit: Int = HTTPPeer.groupLimit
        ) {
            self.method = method
            self.path = path
            self.body = body
            self.headers = headers
            self.deadline = deadline
            self.limit = limit
        }
    }

    /// Waits until the loops that connections live on have done all they were given.
    ///
    /// The client hands a piece of a body to its connection's loop, and learns only from the loop that the connection has
    /// enough for now. Whoever makes pieces faster than a busy loop gets its turn would fill memory with them.
    static func letLoopsCatchUp() async throws {
        for loop in HTTPClients.loops.makeIterator() { try await loop.submit {}.get() }
    }

    /// The way of connecting for an answer of JSON.
    ///
    /// Feeds hold their connections for as long as they wait, and the work must not wait for them.
    private func way(unpacking: Bool, isFeed: Bool) -> HTTPClients.Key {
        var way = way
        way.unpacks = unpacking
        if isFeed { way.connections = 4_096 }
        return way
    }

    /// Sends a request and reads the whole answer; a status other than success is a failure.
    func answer(to request: Request) async throws(PeerFailure) -> [UInt8] {
        var outgoing = outgoing(request)
        outgoing.headers.replaceOrAdd(name: "Accept-Encoding", value: "gzip")
        return try await answer(
            to: outgoing,
            deadline: request.deadline,
            limit: request.limit,
            way: way(unpacking: true, isFeed: request.isFeed)
        )
    }

    /// Sends a request whose body arrives in pieces, and reads the whole answer.
    func answer<Pieces: AsyncSequence & Sendable>(
        to request: Request,
        contentType: String,
        length: Int64?,
        pieces: Pieces
    ) async throws(PeerFailure) -> [UInt8] where Pieces.Element == ByteBuffer {
        var outgoing = outgoing(request)
        outgoing.headers.replaceOrAdd(name: "Content-Type", value: contentType)
        outgoing.body = .stream(pieces, length: length.map { .known($0) } ?? .unknown)
        return try await answer(
            to: outgoing,
            deadline: request.deadline,
            limit: request.limit,
            isRepeatable: false
        )
    }

    /// Sends a request and gives the answer as it comes; a status other than success is a failure.
    func response(to request: Request) async throws(PeerFailure) -> HTTPClientResponse {
        try await response(
            to: outgoing(request),
            deadline: request.deadline,
            way: way(unpacking: false, isFeed: request.isFeed)
        )
    }

    private func answer(
        to outgoing: HTTPClientRequest,
        deadline: Duration?,
        limit: Int,
        isRepeatable: Bool = true,
        way: HTTPClients.Key? = nil
    ) async throws(PeerFailure) -> [UInt8] {
        let response = try await response(
            to: outgoing,
            deadline: deadline,
            isRepeatable: isRepeatable,
            way: way
        )
        return try await noting { try await read(response, limit: limit) }
    }

    private func response(
        to outgoing: HTTPClientRequest,
        deadline: Duration?,
        isRepeatable: Bool = true,
        way: HTTPClients.Key? = nil
    ) async throws(PeerFailure) -> HTTPClientResponse {
        let client = try HTTPClients.client(way ?? self.way)
        return try await noting {
            let response = try await sendAuthenticated(outgoing, isRepeatable: isRepeatable) { request in
                try await Self.send(request, deadline: deadline, client)
            }
            guard !(200..<300).contains(response.status.code) else { return response }
            let text = try await read(response, limit: 1 << 20)
            let retryAfter = response.headers.first(name: "Retry-After").flatMap { Int($0) }
            throw PeerFailure(
                status: Int(response.status.code),
                body: text,
                retryAfter: retryAfter.map { .seconds(max($0, 0)) },
                url: shownName
            )
        }
    }

    /// Turns whatever goes wrong on the way into a failure of the peer.
    func noting<Answer>(_ body: () async throws -> Answer) async throws(PeerFailure) -> Answer {
        do {
            return try await body()
        } catch let failure as PeerFailure {
            throw failure
        } catch {
            throw PeerFailure(.transport, name: "no_answer", reason: "\(shownName) does not answer: \(error)")
        }
    }

    private func outgoing(_ request: Request) -> HTTPClientRequest {
        var outgoing = HTTPClientRequest(url: endpoint.url + request.path)
        outgoing.method = request.method
        outgoing.headers.add(name: "Accept", value: "application/json")
        outgoing.headers.add(name: "User-Agent", value: "Settle")
        for header in endpoint.headers + request.headers {
            outgoing.headers.replaceOrAdd(name: header.name, value: header.value)
        }
        if let body = request.body {
            outgoing.headers.replaceOrAdd(name: "Content-Type", value: "application/json")
            outgoing.body = .bytes(body.buffer)
        }
        return outgoing
    }

    private static func send(
        _ request: HTTPClientRequest,
        deadline: Duration?,
        _ client: HTTPClient
    ) async throws -> HTTPClientResponse {
        guard let deadline else {
            return try await client.execute(request, deadline: .distantFuture)
        }
        let seconds = deadline.components.seconds
        return try await client.execute(request, timeout: .seconds(max(seconds, 1)))
    }

    func read(_ response: HTTPClientResponse, limit: Int) async throws -> [UInt8] {
        var text: [UInt8] = []
        let isPacked = response.headers.contains(name: "Content-Encoding")
        if !isPacked, let length = response.headers.first(name: "Content-Length").flatMap({ Int($0) }) {
            guard length <= limit else { throw tooLarge(limit) }
            text.reserveCapacity(length)
        }
        for try await chunk in response.body {
            guard text.count + chunk.readableBytes <= limit else { throw tooLarge(limit) }
            text.append(contentsOf: chunk.readableBytesView)
        }
        return text
    }

    private func tooLarge(_ limit: Int) -> PeerFailure {
        PeerFailure(
            .answerTooLarge,
            name: "too_large",
            reason: "\(shownName) answered with more than \(limit >> 20) MiB."
        )
    }
}
