// What the client's errors mean for a replication.

import AsyncHTTPClient
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import SettleCore

extension PeerFailure {
    /// What went wrong between here and a peer.
    init(_ error: any Error, _ peer: String, through proxy: ProxyEndpoint?) {
        let way = proxy.map { " through the proxy \($0.host):\($0.port)" } ?? ""
        if let failure = error as? PeerFailure {
            self = failure
        } else if error as? HTTPClientError == .proxyAuthenticationRequired {
            self.init(
                .status(407),
                name: "proxy_authentication_required",
                reason: "\(peer) cannot be reached\(way), which wants to know who we are."
            )
        } else if Self.isDistrust(error) {
            self.init(
                .untrusted,
                name: "tls_failed",
                reason: "There is no trusted connection to \(peer)\(way): \(error)"
            )
        } else {
            self.init(
                Self.isAbsence(error) ? .unreachable : .transport,
                name: "no_answer",
                reason: "\(peer) does not answer\(way): \(error)"
            )
        }
    }

    /// Whether no connection came about.
    private static func isAbsence(_ error: any Error) -> Bool {
        if let error = error as? IOError { return error.errnoCode != ECONNRESET && error.errnoCode != EPIPE }
        return error is NIOConnectionError || error as? HTTPClientError == .connectTimeout
    }

    /// Whether one side refused the other's certificate, or they have no TLS in common.
    ///
    /// A connection that breaks while the two are still talking about it is no different from others that break.
    private static func isDistrust(_ error: any Error) -> Bool {
        let cause: BoringSSLError
        switch error {
        case let error as BoringSSLError: cause = error
        case NIOSSLError.handshakeFailed(let error): cause = error
        default: return error is NIOSSLExtraError
        }
        guard case .sslError(let stack) = cause else { return false }
        return !stack.contains(.eofDuringHandshake)
    }
}
