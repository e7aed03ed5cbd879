// How requests travel: over clients that all peers share, which keep connections open and reuse them.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SettleCore

extension HTTPPeer {
    /// The body of a request.
    struct Body {
        var buffer: ByteBuffer
        /// Whether the bytes are packed with gzip.
        var isPacked = false

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
        /// A body that arrives in pieces, instead of one that is there; it can be sent only once.
        var pieces: (body: WatchedBody, contentType: String)?
        var headers: [NamedText]
        /// The whole time a short question may take; nil: as long as bytes keep coming.
        var deadline: Duration?
        /// The most bytes of an answer.
        var limit: Int
        /// Whether the answer may take for ever, because it waits for changes.
        var isFeed = false
        /// Whether the answer is JSON, which may come packed.
        var isForJSON = false

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

    /// The way of connecting for a request.
    ///
    /// Feeds hold their connections for as long as they wait, and the work must not wait for them.
    func way(for request: Request) -> HTTPClients.Key {
        var way = way
        way.unpacks = request.isForJSON
        if request.isFeed { way.connections = 4_096 }
        return way
    }

    /// Sends a request and reads the whole answer, which is JSON; a status other than success is a failure.
    func answer(to request: Request) async throws(PeerFailure) -> [UInt8] {
        var request = request
        request.isForJSON = true
        let response = try await response(to: request)
        if response.isPage { throw notTheDatabase }
        return try await noting { try await read(response, limit: request.limit) }
    }

    /// Sends a request whose body arrives in pieces, and reads the whole answer.
    func answer<Pieces: AsyncSequence & Sendable>(
        to request: Request,
        contentType: String,
        length: Int64?,
        pieces: Pieces
    ) async throws(PeerFailure) -> [UInt8] where Pieces.Element == ByteBuffer {
        var request = request
        request.pieces = (WatchedBody(pieces, length: length), contentType)
        return try await answer(to: request)
    }

    /// Sends a request and gives the answer as it comes; a status other than success is a failure.
    func response(to request: Request) async throws(PeerFailure) -> HTTPClientResponse {
        do throws(PeerFailure) {
            return try await noting { try await follow(request) }
        } catch {
            if error.status == nil { route.forgetPlace() }
            throw error
        }
    }

    /// A web page instead of an answer: something on the way spoke for the database.
    var notTheDatabase: PeerFailure {
        PeerFailure(
            .transport,
            name: "bad_answer",
            reason: "\(shownName) answered with a web page; something between here and there is in the way."
        )
    }

    /// Turns whatever goes wrong on the way into a failure of the peer.
    func noting<Answer>(_ body: () async throws -> Answer) async throws(PeerFailure) -> Answer {
        do {
            return try await body()
        } catch {
            throw PeerFailure(error, shownName, through: endpoint.proxy)
        }
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

extension HTTPClientResponse {
    /// Whether this is meant for people's eyes.
    var isPage: Bool {
        headers.first(name: "Content-Type")?.lowercased().utf8.starts(with: "text/html".utf8) ?? false
    }
}
