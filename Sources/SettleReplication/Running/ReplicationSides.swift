// From what is asked for to the peers that do it, and to the name under which it is noted.

import Settle
import SettleCore

extension Replication.Side {
    var endpoint: ReplicationEndpoint {
        get throws(SettleError) {
            switch self {
            case .database(let database): .local(name: database.name)
            case .url(let url): try ReplicationEndpoint(.string(url))
            }
        }
    }

    var databaseUUID: String? {
        get throws(SettleError) {
            guard case .database(let database) = self else { return nil }
            return try database.read { snapshot in try snapshot.info.uuid }
        }
    }

    /// The peer that this is; `endpoint` is the same with what the options add to it, such as a proxy.
    func peer(_ endpoint: ReplicationEndpoint, _ options: ReplicationOptions) throws(SettleError) -> any Peer
    {
        switch (self, endpoint) {
        case (.database(let database), _): return LocalPeer(database)
        case (_, .remote(let remote)): return HTTPPeer(remote, options)
        case (.url(let url), .local): throw SettleError(.badRequest, "\(url) is not a URL.")
        }
    }
}

extension HTTPPeer {
    init(_ endpoint: RemoteEndpoint, _ options: ReplicationOptions) {
        self.init(endpoint, timeout: options.connectionTimeout, connections: options.connections)
    }
}

extension ReplicationEndpoint {
    /// The peer that this names, where bare names are databases of a folder.
    func peer(in folder: DatabaseFolder, _ options: ReplicationOptions) -> any Peer {
        switch self {
        case .local(let name): LocalPeer(folder, name: name)
        case .remote(let remote): HTTPPeer(remote, options)
        }
    }
}

extension ReplicationID {
    /// The name of what the options ask for.
    init(
        _ options: ReplicationOptions,
        serverUUID: String,
        source: any Peer
    ) async throws(SettleError) {
        self.init(
            serverUUID: serverUUID,
            source: options.source,
            target: options.target,
            narrowing: options.narrowing(filterCode: try await options.filterCode(in: source)),
            suffix: options.nameSuffix
        )
    }
}

extension ReplicationOptions {
    /// The code of the filter function, from the source's design document; nil if there is no such filter to look up.
    fileprivate func filterCode(in source: any Peer) async throws(SettleError) -> String? {
        guard let (design, name) = filterFunction else { return nil }
        let document: JSONObject?
        do throws(PeerFailure) {
            document = try await source.document(design)
        } catch {
            throw SettleError(
                .notFound,
                "Could not open source database `\(source.shownName)`: \(error.reason)"
            )
        }
        guard let document else {
            throw SettleError(
                .notFound,
                "Couldn't open document `\(design)` from source database `\(source.shownName)`"
            )
        }
        guard let code = document["filters"]?[name]?.string else {
            throw SettleError(.notFound, "The design document `\(design)` has no filter `\(name)`.")
        }
        return code.trimmed
    }
}

extension String {
    /// The text without white space at its ends.
    fileprivate var trimmed: String {
        let kept = drop { $0.isWhitespace }
        guard let end = kept.lastIndex(where: { !$0.isWhitespace }) else { return "" }
        return String(kept[...end])
    }
}
