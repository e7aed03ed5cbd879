// Copies what one database has and another lacks: the decisions, without the doing.
//
// The replicator is told what happened and answers what to do next. It never waits, never looks at a clock and never
// touches a peer; a shell performs its actions and reports back, so every path is tested like straight-line code:
//
//     var replicator = Replicator(.init(), from: .zero)
//     replicator.start()                    // [.readChanges(after: 0, …)]
//     replicator.changesRead(page)          // [.perform(1, .compare(rows)), .readChanges(after: …)]
//     replicator.compared(1, missing: …)    // [.perform(2, .fetch(…))]
//     replicator.fetched(2, answer)         // [.perform(3, .write(…))]
//     replicator.written(3, rejected: [])   // [.saveCheckpoint(…)]
//     replicator.checkpointSaved(…)         // [.finish(.completed)]
//
// A page of changes becomes a batch, and a batch becomes steps: compare with the target, fetch, write. Several steps
// run at once, later stages first, which keeps few documents in memory and both peers busy. Documents that turn out to have
// small attachments are fetched and written in groups of their own; one with large attachments is copied by a step of its
// own, which passes it on in pieces.
//
// The subtle thing is the checkpoint. Batches end in any order, yet a checkpoint says "everything up to here is done".
// So the sequence that may be noted is the end of the last batch before which no batch is open, and a document counts
// as done when it was written, or found to be there, or listed as failed; never when it was merely sent.
//
// And it says so of two databases. If one of them is replaced by another one of its name meanwhile, the run is void, and ends
// as `outdated`. A run that is busy notices that when it notes how far it came; one that waits is told to look.

/// The state of one run of a replication and the decisions in it.
package struct Replicator: Sendable {
    /// What to copy and how much of it to hold at once.
    package struct Settings: Hashable, Sendable {
        /// Whether to wait for further changes at the end, instead of finishing.
        package var isContinuous = false
        /// Whether to note in both peers how far the copy has come.
        package var usesCheckpoints = true
        /// Whether to ask for many documents at once.
        package var usesBulkGet = true
        /// Whether the target had no document at the start, so that comparing would only confirm that.
        package var targetIsEmpty = false
        /// The number of changes in a page, and of documents in a request.
        package var batchSize = 500
        /// The number of steps that run at once.
        package var concurrentSteps = 4
        /// The number of documents with attachments that are copied at once, beside the other steps.
        package var concurrentCopies = 16
        /// The number of groups of documents with small attachments that are in memory at once, beside the other steps.
        package var concurrentGroups = 4
        /// The number of batches begun and not finished.
        package var openBatches = 4
        /// The size of documents to ask for in one request, as far as sizes can be foretold.
        package var groupBytes = 4 << 20
        /// The size of documents with their attachments to ask for in one request.
        package var attachedGroupBytes = 1 << 20
        /// A document that is larger than this with its attachments is copied alone.
        package var attachedDocumentBytes = 256 << 10
        /// How often a request is tried again.
        package var retries = 5
        /// How long after its first failure a request is still tried again.
        package var patience = RetryCount.patience
        /// The number of failed documents to remember by name.
        package var rememberedFailures = 1_000

        package init() {}
    }

    /// One request to one of the peers.
    package enum Step: Hashable, Sendable {
        /// Ask the target which revisions it lacks (`_revs_diff`).
        case compare([ChangedDocument])
        /// Ask the source for documents (`_bulk_get`).
        case fetch([WantedRevision])
        /// Ask the source for one document (`open_revs`).
        case fetchAlone(WantedRevision)
        /// Give the target documents (`_bulk_docs`).
        case write([FetchedDocument])
        /// Ask the source for documents with the content of their attachments, but for what the target holds.
        case fetchAttached([AttachedQuestion])
        /// Give them to the target.
        case writeAttached([AttachedDocument])
        /// Pass a document with attachments from the source to the target, in pieces; `inFull`: also those attachments
        /// that the target should have.
        case copy(AttachedQuestion, inFull: Bool)
    }

    /// The number by which the end of a step is reported.
    package typealias StepID = Int

    /// What the shell is to do.
    package enum Action: Hashable, Sendable {
        /// Read a page of changes; `waiting`: if there is none yet, answer when there is.
        case readChanges(after: SourceSequence, limit: Int, waiting: Bool, delay: Duration)
        /// Perform a step, after a delay.
        case perform(StepID, Step, delay: Duration)
        /// Note in both peers that everything up to here is done.
        case saveCheckpoint(SourceSequence, delay: Duration)
        /// See whether both peers are still the databases that the run began with.
        case checkPeers
        /// The run is over; nothing that is still under way matters any more.
        case finish(Outcome)
    }

    /// How a run ended.
    package enum Outcome: Hashable, Sendable {
        /// Everything was copied or listed as failed.
        case completed
        /// It was stopped.
        case stopped
        /// It could not go on.
        case failed(SettleError)
        /// A database is not the one any more that the run began with; another run has to compare both anew.
        case outdated(SettleError)
    }

    /// A step that waits or runs.
    struct Item: Hashable, Sendable {
        var batch: Int
        var step: Step
        /// How often it failed for reasons that may pass.
        var retry = RetryCount()
        /// Whether these revisions were missing once before.
        var isSecondLook = false
        var delay: Duration = .zero
    }

    struct Batch: Hashable, Sendable {
        let end: SourceSequence
        /// Steps that wait or run.
        var open = 0
    }

    /// Steps that wait for their turn, in order.
    struct Waiting: Hashable, Sendable {
        var writes: [Item] = []
        var attachedWrites: [Item] = []
        var copies: [Item] = []
        var attachedFetches: [Item] = []
        var fetches: [Item] = []
        var comparisons: [Item] = []
    }

    enum Phase: Hashable, Sendable {
        case copying
        /// Only the last checkpoint is still to be saved.
        case closing(Outcome)
        case finished
    }

    let settings: Settings
    /// Where the run started.
    package let origin: SourceSequence
    /// Everything up to here is done.
    package internal(set) var through: SourceSequence
    /// Everything up to here is done, and both peers have it noted.
    package internal(set) var committed: SourceSequence
    /// The last sequence that was read.
    package internal(set) var position: SourceSequence
    /// How many changes of the source are not read yet, if it says so.
    package internal(set) var pending: Int?
    package internal(set) var statistics: ReplicationStatistics
    /// The documents that could not be copied, the newest last; only so many are remembered.
    package internal(set) var failures: [DocumentFailure] = []

    var phase = Phase.copying
    var isReading = false
    /// How often the page at hand could not be read.
    var readingRetry = RetryCount()
    /// How long to wait before the next page is asked for.
    var pauseBeforeReading = Duration.zero
    /// Whether the last page was the end of what there is.
    var reachedEnd = false
    var usesBulkGet: Bool
    /// Whether the source gives many documents with their attachments at once.
    var usesGroups: Bool
    var batches: [Int: Batch] = [:]
    var firstBatch = 0
    var nextBatch = 0
    var nextStep = 1
    var waiting = Waiting()
    var running: [StepID: Item] = [:]
    var paces = RequestPaces()
    var averageBytes = 0
    var isSavingCheckpoint = false
    var checkpointRetry = RetryCount()
    var isCheckingPeers = false
    /// Whether the check that is under way may have come too early.
    var mustCheckAgain = false
    /// Whether the changes could not be read for a while.
    var hasLostSource = false

    /// A run that starts after a sequence, with the counts of earlier sessions.
    package init(
        _ settings: Settings,
        from origin: SourceSequence,
        statistics: ReplicationStatistics = ReplicationStatistics()
    ) {
        self.settings = settings
        self.origin = origin
        self.statistics = statistics
        through = origin
        committed = origin
        position = origin
        usesBulkGet = settings.usesBulkGet
        usesGroups = settings.usesBulkGet
    }

    /// Whether the run is waiting for new changes with nothing else to do.
    package var isIdle: Bool {
        phase == .copying && reachedEnd && batches.isEmpty && running.isEmpty
    }
}
