// A replication's name: the same request gives the same name, so that it finds its checkpoint again.
//
// CouchDB's fourth way of naming is the MD5 of a term (see `ErlangValue`) that holds the server's uuid, both ends, and
// what narrows the copy: document ids, a filter's code and parameters, a selector. It leaves out what does not change
// *what* is copied: passwords, http or https, continuous or not. Those that show are put behind it:
//
//     a16846836314c06aacaf8256fd2cdd81+continuous+create_target
//     ^ base: the name of the checkpoint, `_local/a168…`
//
// The subtle thing: what stands here must stay as it is. A byte changed means that every replication of every user
// starts over.

import Crypto

/// The name of a replication.
public struct ReplicationID: Hashable, Sendable {
    /// 32 hexadecimal digits; names the checkpoint.
    public let base: String
    /// `+continuous` and `+create_target`, as they apply.
    package let suffix: String

    /// The whole name, as `_replicate` answers it.
    public var text: String { base + suffix }

    /// The way of naming that this is, as checkpoints note it.
    package static let version = 4
}

extension ReplicationID {
    /// The name of a replication between two ends, narrowed by further terms, run by one server.
    package init(
        serverUUID: String,
        source: ReplicationEndpoint,
        target: ReplicationEndpoint,
        narrowing: [ErlangValue] = [],
        suffix: String = ""
    ) {
        let term = ErlangValue.list([.binary(serverUUID), source.term, target.term] + narrowing)
        base = hexadecimal(Insecure.MD5.hash(data: term.externalFormat))
        self.suffix = suffix
    }
}

extension ReplicationEndpoint {
    fileprivate var term: ErlangValue {
        switch self {
        case .local(let name): .tuple([.atom("local"), .binary(name)])
        case .remote(let remote):
            .tuple([
                .atom("remote"),
                remote.user.map { .string($0) } ?? .atom("undefined"),
                .string(remote.host),
                remote.unusualPort.map { .integer(Int64($0)) } ?? .atom("default"),
                .string(remote.path),
                .list(remote.headers.map { .tuple([.string($0.name), .string($0.value)]) }),
                .atom("undefined"),
            ])
        }
    }
}

private func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}
