// Which step runs next, when a batch is done, and how a run ends.

extension Replicator {
    /// Queues a step.
    mutating func add(_ item: Item) {
        batches[item.batch]?.open += 1
        switch item.step {
        case .write: waiting.writes.append(item)
        case .writeAttached: waiting.attachedWrites.append(item)
        case .copy: waiting.copies.append(item)
        case .fetchAttached: waiting.attachedFetches.append(item)
        case .fetch, .fetchAlone: waiting.fetches.append(item)
        case .compare: waiting.comparisons.append(item)
        }
    }

    /// Queues the fetching of revisions: together, or one by one where the source can't do that.
    mutating func add(fetching wanted: [WantedRevision], batch: Int) {
        guard !wanted.isEmpty else { return }
        if usesBulkGet {
            add(Item(batch: batch, step: .fetch(wanted)))
        } else {
            for revision in wanted {
                add(Item(batch: batch, step: .fetchAlone(revision)))
            }
        }
    }

    /// A step is over; whatever follows from it has been queued before.
    mutating func close(_ item: Item) -> [Action] {
        batches[item.batch]?.open -= 1
        closeFinishedBatches()
        return proceed()
    }

    /// Moves `through` over the batches at the front that are done.
    mutating func closeFinishedBatches() {
        while let batch = batches[firstBatch], batch.open == 0 {
            through = batch.end
            batches[firstBatch] = nil
            firstBatch += 1
        }
    }

    /// Starts what may start.
    mutating func proceed() -> [Action] {
        guard phase == .copying else { return [] }
        var actions: [Action] = []
        while let item = takeAttached() ?? takeCopy() ?? takeNext() {
            let id = nextStep
            nextStep += 1
            running[id] = item
            actions.append(.perform(id, item.step, delay: max(item.delay, paces.interval(item.step))))
        }
        let mayRead = settings.isContinuous || !reachedEnd
        if !isReading, mayRead, batches.count < settings.openBatches {
            isReading = true
            actions.append(
                .readChanges(
                    after: position,
                    limit: settings.batchSize,
                    waiting: reachedEnd,
                    delay: pauseBeforeReading
                )
            )
        }
        if reachedEnd, !settings.isContinuous, batches.isEmpty {
            actions += end(.completed)
        }
        return actions
    }

    private var runningCopies: Int { running.values.count { $0.step.isCopy } }

    private var runningGroups: Int { running.values.count { $0.step.isAttached } }

    /// The next group of documents with their attachments.
    ///
    /// Nothing holds back what has been fetched: it takes memory.
    private mutating func takeAttached() -> Item? {
        if !waiting.attachedWrites.isEmpty { return waiting.attachedWrites.removeFirst() }
        guard !waiting.attachedFetches.isEmpty, runningGroups < settings.concurrentGroups else { return nil }
        return waiting.attachedFetches.removeFirst()
    }

    /// The next document with attachments, which takes no other step's place: it may take an hour.
    private mutating func takeCopy() -> Item? {
        guard !waiting.copies.isEmpty, runningCopies < settings.concurrentCopies else { return nil }
        return waiting.copies.removeFirst()
    }

    /// The next step to run: later stages first, so that documents in memory leave it soon.
    private mutating func takeNext() -> Item? {
        guard running.count - runningCopies - runningGroups < settings.concurrentSteps else { return nil }
        if !waiting.writes.isEmpty { return waiting.writes.removeFirst() }
        if !waiting.fetches.isEmpty {
            guard case .fetch(let wanted) = waiting.fetches[0].step, wanted.count > groupSize else {
                return waiting.fetches.removeFirst()
            }
            // The rest stays in front, as a step of its own.
            var group = waiting.fetches[0]
            waiting.fetches[0].step = .fetch(Array(wanted[groupSize...]))
            group.step = .fetch(Array(wanted[..<groupSize]))
            batches[group.batch]?.open += 1
            return group
        }
        return waiting.comparisons.isEmpty ? nil : waiting.comparisons.removeFirst()
    }

    /// How many documents to ask for at once, judging by the size of those before.
    ///
    /// The first group is a small one.
    private var groupSize: Int {
        let bySize = averageBytes == 0 ? 100 : settings.groupBytes / averageBytes
        return max(1, min(settings.batchSize, bySize))
    }

    /// Lists a document as not copied.
    mutating func fail(_ id: DocumentID, _ revision: RevisionID?, _ name: String, _ reason: String) {
        statistics.documentWriteFailures += 1
        if failures.count >= settings.rememberedFailures { failures.removeFirst() }
        failures.append(DocumentFailure(id: id, revision: revision, name: name, reason: reason))
    }

    /// Ends the run, after a last checkpoint if one is due, and a last look where there are no checkpoints.
    mutating func end(_ outcome: Outcome, isChecked: Bool = false) -> [Action] {
        if phase == .finished { return [] }
        phase = .closing(outcome)
        isReading = false
        waiting = Waiting()
        running = [:]
        if isSavingCheckpoint || isCheckingPeers { return [] }
        let last = saveCheckpoint()
        if !last.isEmpty { return last }
        if !isChecked, mustCheckBeforeEnd(outcome) { return checkPeers() }
        return finish(outcome)
    }

    /// Ends the run as it is, without another checkpoint.
    mutating func finish(_ outcome: Outcome) -> [Action] {
        if phase == .finished { return [] }
        phase = .finished
        return [.finish(outcome)]
    }

    /// Notes how far the run has come, unless that is noted already.
    mutating func saveCheckpoint(delay: Duration = .zero) -> [Action] {
        guard settings.usesCheckpoints, !isSavingCheckpoint, !isCheckingPeers, through != committed else {
            return []
        }
        isSavingCheckpoint = true
        return [.saveCheckpoint(through, delay: delay)]
    }
}

extension Replicator.Step {
    /// Whether this passes on a document with attachments.
    var isCopy: Bool { if case .copy = self { true } else { false } }

    /// Whether this is about a group of documents with attachments.
    fileprivate var isAttached: Bool {
        switch self {
        case .fetchAttached, .writeAttached: true
        case .compare, .fetch, .fetchAlone, .write, .copy: false
        }
    }
}
