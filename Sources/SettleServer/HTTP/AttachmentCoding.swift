// Keeps uploads of attachments as they are.
//
// Other bodies that come compressed are unzipped before anybody looks at them. An attachment's coding is part of what
// is stored, so its `Content-Encoding` is hidden from the decompressor under another name. A client that uses that name
// itself says about its own upload what it could have said with the usual one.

import NIOCore
import NIOHTTP1
import SettleCore

/// Renames `Content-Encoding` in requests that upload an attachment; stands before the decompressor.
final class AttachmentCoding: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    /// The field that has the coding of an attachment.
    static let field = "Settle-Attachment-Encoding"

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = unwrapInboundIn(data),
            let coding = head.headers.first(name: "Content-Encoding"),
            IncomingRequest.method(of: head) == .PUT,
            AttachmentPath(RequestTarget(head.uri).segments) != nil
        else {
            context.fireChannelRead(data)
            return
        }
        head.headers.remove(name: "Content-Encoding")
        head.headers.replaceOrAdd(name: Self.field, value: coding)
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }
}
