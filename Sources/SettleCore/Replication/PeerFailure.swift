// Why a request to a peer did not succeed, as far as the replicator needs to know to decide what to do.

/// A request to a peer that failed as a whole.
package struct PeerFailure: Error, Hashable, Sendable {
    /// What sort of failure; decides whether trying again can help.
    package enum Kind: Hashable, Sendable {
        /// No answer: cut, timed out.
        case transport
        /// Not even a connection: nobody listens, or there is no such host.
        case unreachable
        /// An answer with an HTTP status other than success.
        case status(Int)
        /// The answer would have been larger than we are willing to hold.
        case answerTooLarge
        /// The answer was not what the protocol says.
        case malformedAnswer
        /// There is a way to the peer, but not one to trust: its certificate, or ours, was refused.
        case untrusted
        /// The database is not the one that the run began with, or what was asked of it means something else now.
        case replaced
    }

    package let kind: Kind
    /// The peer's short name for it, such as `forbidden`.
    package let name: String
    package let reason: String
    /// How long the peer asks us to wait.
    package let retryAfter: Duration?
    /// How long the request took to fail.
    package var elapsed = Duration.zero

    package init(_ kind: Kind, name: String, reason: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.name = name
        self.reason = reason
        self.retryAfter = retryAfter
    }

    /// A failure of a local database.
    package init(_ error: SettleError) {
        self.init(.status(error.status), name: error.name, reason: error.reason)
    }

    /// The HTTP status, if there was an answer.
    package var status: Int? {
        if case .status(let status) = kind { status } else { nil }
    }

    /// Whether the same request may succeed a little later: no answer, 408, or a fault of the peer.
    ///
    /// A 501 stays what it is.
    package var isTransient: Bool {
        switch kind {
        case .transport, .unreachable: true
        case .status(let status): status == 408 || (status >= 500 && status != 501)
        case .answerTooLarge, .malformedAnswer, .untrusted, .replaced: false
        }
    }

    /// Whether the peer refused one document, as opposed to every request, or for the moment.
    ///
    /// Only what a database says of a document counts. A proxy that has its own reasons to answer 400, 405 or 407 must
    /// not get all documents listed as refused, one after the other, and the checkpoint moved behind them. A 409 has no
    /// place where revisions come with their ancestry.
    package var concernsDocument: Bool {
        switch status {
        case 401, 403, 413, 414, 415: true
        case 400: isExplained
        case 412: name == "missing_stub"
        default: false
        }
    }

    /// Whether the answer had an error in it, as those of a database have.
    package var isExplained: Bool { status.map { name != Self.unexplained($0) } ?? false }

    /// What stands for the name of an error in answers that have none.
    static func unexplained(_ status: Int) -> String { "status_\(status)" }

    /// The error that a job ends with because of this.
    package var error: SettleError {
        switch kind {
        case .status(400): SettleError(.badRequest, reason)
        case .status(401): SettleError(.unauthorized, reason)
        case .status(403): SettleError(.forbidden, reason)
        case .status(404): SettleError(.databaseNotFound, reason)
        case .status(408): SettleError(.timeout, reason)
        case .status(501): SettleError(.notImplemented, reason)
        case .status(507): SettleError(.insufficientStorage, reason)
        case .transport, .unreachable, .status, .answerTooLarge, .malformedAnswer, .untrusted, .replaced:
            SettleError(.internalError, "\(name): \(reason)")
        }
    }
}
