import NIOHTTP1
import SettleCore

/// One request, complete with its body, as the routes see it.
struct Request: Sendable {
    /// The method after `X-HTTP-Method-Override`; HEAD arrives as GET, and its body is left out when it is written.
    let method: HTTPMethod
    /// Path and query.
    let target: RequestTarget
    /// The header fields.
    let headers: HTTPHeaders
    /// The body, already unzipped.
    let body: [UInt8]
    /// Who sent it.
    let user: UserContext
    /// The client's address.
    let peer: String
    /// `host:port` of the listening socket, for clients that send no `Host`.
    let listeningAddress: String
    /// What was asked for before a design document rewrote it, and how often that happened.
    var requestedTarget: RequestTarget?
    var rewriteCount = 0

    /// On whose behalf it writes.
    var writeContext: WriteContext {
        WriteContext(name: user.name, roles: user.isAdministrator ? ["_admin"] : [])
    }
    /// The decoded segments of the path.
    var segments: [[UInt8]] { target.segments }
    /// The decoded query.
    var query: QueryParameters { target.query }

    /// Refuses a POST whose body isn't declared to be JSON.
    func requireJSONContentType() throws(SettleError) {
        let type = headers.first(name: "Content-Type") ?? ""
        let plain = type.prefix { $0 != ";" && $0 != " " }
        guard plain.lowercased() == "application/json" else {
            throw SettleError(.badContentType)
        }
    }

    /// Refuses methods a route doesn't know, with the list of those that it does, such as `GET,HEAD`.
    func notAllowed(_ methods: String) -> SettleError {
        SettleError(.methodNotAllowed, "Only \(methods) allowed")
    }

    /// The URL of this server as the client sees it, without a slash at its end.
    var baseURL: String {
        var scheme = "http"
        if let forwarded = headers.first(name: "X-Forwarded-Proto"),
            forwarded == "https" || forwarded == "http"
        {
            scheme = forwarded
        } else if headers.first(name: "X-Forwarded-Ssl") == "on" {
            scheme = "https"
        }
        let host = headers.first(name: "X-Forwarded-Host") ?? headers.first(name: "Host") ?? listeningAddress
        return "\(scheme)://\(host)"
    }

    /// The `Location` of a database or of a document in it.
    func location(database: String, document: DocumentID? = nil) -> [UInt8] {
        var output = Array(baseURL.utf8)
        output.append(UInt8(ascii: "/"))
        PercentEncoding.append(database.utf8, to: &output)
        if let document {
            output.append(UInt8(ascii: "/"))
            PercentEncoding.append(document.bytes, to: &output)
        }
        return output
    }
}
