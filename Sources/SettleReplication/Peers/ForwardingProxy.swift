// Requests in plain HTTP through an HTTP proxy: sent to the proxy, with the whole URL in their first line.
//
//     GET http://peer.example:5984/notes/_changes HTTP/1.1
//     Host: peer.example:5984
//     Proxy-Authorization: Basic …
//
// AsyncHTTPClient asks proxies for a tunnel (`CONNECT`) whatever the scheme, and most proxies dig tunnels to port 443 only.
// So its tunnels serve for TLS, and here a client that believes the proxy to be the server has its first lines rewritten.

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import SettleCore

extension ProxyEndpoint {
    /// The request as the proxy is to be sent it; nil if it takes a tunnel.
    func forwarding(_ request: HTTPClientRequest) -> HTTPClientRequest? {
        let scheme = "http://"
        guard kind == .http, request.url.utf8.starts(with: scheme.utf8) else { return nil }
        let rest = request.url.dropFirst(scheme.count)
        let slash = rest.firstIndex(of: "/") ?? rest.endIndex
        var forwarded = request
        forwarded.url = "\(scheme)\(host):\(port)\(rest[slash...])"
        forwarded.headers.replaceOrAdd(name: "Host", value: String(rest[..<slash]))
        if let user {
            let credentials = Base64.encoded(Array("\(user):\(password ?? "")".utf8))
            forwarded.headers.replaceOrAdd(name: "Proxy-Authorization", value: "Basic \(credentials)")
        }
        return forwarded
    }
}

/// Writes the whole URL into the first line of requests.
final class AbsoluteTargets: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data), let host = head.headers.first(name: "Host")
        else {
            return context.write(data, promise: promise)
        }
        head.uri = "http://\(host)\(head.uri)"
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }

    /// Adds the handler to a connection of the client.
    static func add(to channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let encoder = try pipeline.context(handlerType: HTTPRequestEncoder.self).handler
            try pipeline.addHandler(AbsoluteTargets(), position: .after(encoder))
        }
    }
}
