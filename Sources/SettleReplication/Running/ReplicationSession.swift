// One session of a replication: opens both databases, finds where to start, and performs what the replicator decides.
//
// The replicator (`SettleCore`) is a struct that one task owns. Requests run as tasks beside it; each reports its end as
// an event, and every event yields the next actions. So the whole run is one loop, and nothing needs a lock.

import SettleCore

/// One session of a replication between two peers.
struct ReplicationSession: Sendable {
    let options: ReplicationOptions
    let name: ReplicationID
    let serverUUID: String
    let source: any Peer
    let target: any Peer
    /// Told after every event, for those who watch.
    let report: @Sendable (Progress) -> Void
    /// An app's own choice among the documents.
    var filter: DocumentFilter?
    /// Whether a changed filter function makes this another replication; where somebody else gave the name, that is up to them.
    var isNamedByFilter = false

    /// What can be seen of a session while it runs.
    struct Progress: Sendable {
        var statistics: ReplicationStatistics
        var failures: [DocumentFailure]
        var pending: Int?
        var position: SourceSequence
        var through: SourceSequence
        var committed: SourceSequence
        var isIdle: Bool
        /// Whether the session has noted anything.
        var hasCommitted = false
        /// Documents that left the target.
        var retracted = 0
    }

    /// How a session ended.
    struct End: Sendable {
        var outcome: Replicator.Outcome
        /// What `_replicate` answers, but for `ok`.
        var answer: JSONObject
        var progress: Progress
        /// What was known of both databases at the end.
        var known: KnownPeers
    }

    /// The things that happen.
    enum Event: Sendable {
        case changes(Result<ChangesPage, PeerFailure>)
        case compared(Replicator.StepID, Result<[WantedRevision], PeerFailure>)
        case fetched(Replicator.StepID, Result<FetchAnswer, PeerFailure>)
        case fetchedAttached(Replicator.StepID, Result<AttachedAnswer, PeerFailure>)
        case writtenAttached(Replicator.StepID, Result<[WriteRejection], PeerFailure>)
        case written(Replicator.StepID, Result<[WriteRejection], PeerFailure>)
        case copied(Replicator.StepID, Result<CopyAnswer, PeerFailure>)
        case saved(SourceSequence, CheckpointStore, JSONObject, PeerFailure?)
        case checkpointDue
        case checkDue
        case peersMayBeReplaced
        case checked(PeerFailure?)
        case retryFailures
        case retracted(Int)
        case failed(PeerFailure)
        case stop
    }

    /// Runs until everything is copied, it fails, or a `stop` comes through the stream.
    func run(_ events: AsyncStream<Event>, _ send: AsyncStream<Event>.Continuation) async throws(SettleError)
        -> End
    {
        let (sourceInformation, targetInformation) = try await open()
        let store: CheckpointStore
        var retraction: Retraction?
        var retracted = 0
        do throws(PeerFailure) {
            retraction = try await beginRetraction { retracted += $0 }
            store = try await CheckpointStore(
                name: name.base + (retraction.map { ".\($0.generation)" } ?? ""),
                source: source,
                target: target,
                retries: options.retries,
                information: (sourceInformation, targetInformation)
            )
        } catch {
            throw error.error
        }
        var start = store.comparison
        if start.sequence.isBeyond(sourceInformation.updateSequence) {
            // The source was set back: what it has now came after a past that is gone.
            start = CheckpointComparison(source: nil, target: nil)
        }
        var origin = start.sequence
        if start.history.isEmpty, let since = options.sinceSequence { origin = since }
        let statistics = start.history.first.map { ReplicationStatistics($0) } ?? ReplicationStatistics()
        var loop = SessionLoop(
            session: self,
            send: send,
            store: store,
            replicator: Replicator(settings(targetInformation), from: origin, statistics: statistics),
            checkpoint: Checkpoint(
                sessionID: RandomID.hexadecimal(),
                startTime: Clock.unixSeconds,
                startSequence: origin,
                earlier: start.history,
                repeatsCounts: options.selection.isListOfDocuments
            )
        )
        loop.retraction = retraction
        loop.retracted = retracted
        var end = await loop.run(events)
        guard var retraction, !options.isContinuous, end.outcome == .completed else { return end }
        do throws(PeerFailure) {
            try await retraction.follow { end.progress.retracted += $0 }
        } catch {
            end.outcome = .failed(error.error)
        }
        return end
    }

    /// Sees whether both databases, and the source's filter function, are still those that the session began with.
    func check(_ known: KnownPeers, readUpTo position: SourceSequence) async throws(PeerFailure) {
        try await known.verify(source, target, readUpTo: position)
        guard isNamedByFilter, options.filterFunction != nil else { return }
        // A function that is gone, or can't be read now, is noticed where the changes are read.
        let now = try? await ReplicationID(options, serverUUID: serverUUID, source: source)
        guard let now, now != name else { return }
        throw PeerFailure(.replaced, name: "filter_changed", reason: "The filter function has changed.")
    }

    private func beginRetraction(_ report: (Int) -> Void) async throws(PeerFailure) -> Retraction? {
        guard options.retracts, case .selector(let json) = options.selection else { return nil }
        guard let source = source as? any RetractionSource, let target = target as? LocalPeer else {
            let reason = "`retract` needs a target that is a database here"
            throw PeerFailure(.status(400), name: "bad_request", reason: reason)
        }
        let selector: Selector
        do throws(SettleError) {
            selector = try Selector(json)
        } catch {
            throw PeerFailure(error)
        }
        return try await Retraction(
            source: source,
            target: target,
            selector: selector,
            name: options.retractionName(serverUUID: serverUUID),
            report
        )
    }

    private func settings(_ target: PeerInformation) -> Replicator.Settings {
        var settings = Replicator.Settings()
        settings.isContinuous = options.isContinuous
        settings.usesCheckpoints = options.usesCheckpoints
        settings.usesBulkGet = options.usesBulkGet
        settings.targetIsEmpty = target.isEmpty
        settings.batchSize = options.batchSize
        settings.retries = options.retries
        settings.concurrentSteps = options.workers
        return settings
    }

    /// Opens both databases, after creating the target if that was asked for.
    private func open() async throws(SettleError) -> (PeerInformation, PeerInformation) {
        if options.createsTarget {
            let (target, parameters) = (target, options.creationParameters)
            try await attempt(retrying: options.retries) { () async throws(PeerFailure) in
                try await target.create(parameters)
            }.mapError(\.error).get()
        }
        async let ours = Self.information(source, options.retries)
        async let theirs = Self.information(target, options.retries)
        // One after the other: Swift 6.3's optimizer loses what stands before a suspension in a tuple.
        let first = try await ours.get()
        let second = try await theirs.get()
        return (first, second)
    }

    private static func information(
        _ peer: any Peer,
        _ retries: Int
    ) async -> Result<PeerInformation, SettleError> {
        let hasCredentials = (peer as? HTTPPeer)?.endpoint.user != nil
        return await attempt(retrying: retries) { () async throws(PeerFailure) in try await peer.information()
        }
        .mapError { failure in
            switch failure.status {
            case 404: SettleError(.databaseNotFound, "could not open \(peer.shownName)")
            case 401:
                SettleError(
                    hasCredentials ? .replicationAuthentication : .unauthorized,
                    failure.name == HTTPPeer.elsewhere
                        ? failure.reason : "unauthorized to access or create database \(peer.shownName)"
                )
            case 403: SettleError(.forbidden, "forbidden to access \(peer.shownName)")
            default: failure.error
            }
        }
    }
}

extension ReplicationOptions {
    /// The name of a retracting copy's notes: the same for every selector, so that a changed one is noticed.
    func retractionName(serverUUID: String) -> String {
        let name = ReplicationID(
            serverUUID: serverUUID,
            source: source,
            target: target,
            narrowing: [.binary("retract")]
        )
        return "retract-" + name.base
    }
}

extension ReplicationOptions.Selection {
    fileprivate var isListOfDocuments: Bool {
        if case .documents = self { true } else { false }
    }
}
