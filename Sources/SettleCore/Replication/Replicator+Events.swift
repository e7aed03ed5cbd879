// What happened, and what to do next.

extension Replicator {
    /// The run begins.
    package mutating func start() -> [Action] {
        proceed()
    }

    /// A page of changes arrived.
    package mutating func changesRead(_ page: ChangesPage) -> [Action] {
        guard phase == .copying, isReading else { return [] }
        isReading = false
        readingRetry = RetryCount()
        let isSuspicious = hasLostSource || position.isAhead(of: page.lastSequence)
        hasLostSource = false
        pending = page.pending
        // A filter may have passed over many changes after the last row. A run that ends notes the last row, as CouchDB
        // does; a run that goes on notes how far it has looked.
        let end = settings.isContinuous ? page.lastSequence : page.lastRowSequence ?? position
        if !page.rows.isEmpty || end != position {
            open(page.rows, end: end)
        }
        position = page.lastSequence
        // A source that answers "nothing" instead of waiting must not be asked a thousand times a second.
        pauseBeforeReading = reachedEnd && page.rows.isEmpty ? .milliseconds(250) : .zero
        reachedEnd = page.rows.count < settings.batchSize || page.pending == 0
        return (isSuspicious ? checkPeers() : []) + proceed()
    }

    /// The target said which revisions it lacks.
    package mutating func compared(_ id: StepID, missing: [WantedRevision]) -> [Action] {
        guard let item = running.removeValue(forKey: id) else { return [] }
        paces.wasServed(item.step)
        statistics.missingFound += missing.count
        add(fetching: missing, batch: item.batch)
        return close(item)
    }

    /// The source gave documents.
    package mutating func fetched(_ id: StepID, _ answer: FetchAnswer) -> [Action] {
        guard let item = running.removeValue(forKey: id) else { return [] }
        paces.wasServed(item.step)
        let wanted = item.step.wanted
        learnSize(of: answer.documents)
        let writable = addAttached(answer.documents, wanted, item)
        statistics.documentsRead += writable.count
        if case .fetch = item.step {
            statistics.bulkGetAttempts += wanted.count
            statistics.bulkGetDocuments += writable.count
        }
        if !writable.isEmpty {
            add(Item(batch: item.batch, step: .write(writable)))
        }
        lookAgain(answer.missing.map { wanted[$0] }, item)
        for refusal in answer.refused {
            let revision = wanted[refusal.index]
            if case .fetch = item.step {
                add(Item(batch: item.batch, step: .fetchAlone(revision)))
            } else {
                fail(revision.id, revision.revision, refusal.name, refusal.reason)
            }
        }
        return close(item)
    }

    /// The target took the documents of a step, except for some.
    package mutating func written(_ id: StepID, rejected: [WriteRejection]) -> [Action] {
        guard let item = running.removeValue(forKey: id), case .write(let documents) = item.step else {
            return []
        }
        paces.wasServed(item.step)
        let final = rejected.filter { !$0.isTransient }
        statistics.documentsWritten += documents.count - rejected.count
        for rejection in final {
            fail(rejection.id, rejection.revision, rejection.name, rejection.reason)
        }
        let again = documents.filter { document in
            rejected.contains { $0.isTransient && $0.concerns(document) }
        }
        if let reason = rejected.first(where: \.isTransient), !again.isEmpty {
            var retry = item.retry
            guard let delay = retry.delayAfterFault(retries: settings.retries) else {
                return end(.failed(SettleError(.internalError, "\(reason.name): \(reason.reason)")))
            }
            add(Item(batch: item.batch, step: .write(again), retry: retry, delay: delay))
        }
        return close(item)
    }

    /// A document with attachments went from the source to the target, or did not.
    package mutating func copied(_ id: StepID, _ answer: CopyAnswer) -> [Action] {
        guard let item = running.removeValue(forKey: id), case .copy(let question, let inFull) = item.step
        else {
            return []
        }
        statistics.documentsRead += answer.documentsRead
        statistics.documentsWritten += answer.documentsWritten
        var again = Item(batch: item.batch, step: .copy(question, inFull: inFull), retry: item.retry)
        if let stub = answer.rejected.first(where: \.isMissingStub), !inFull {
            // The target lost what it was believed to have, or a part of it does not know of it yet.
            statistics.documentsRead -= answer.rejected.count { $0.name == stub.name }
            again.step = .copy(question, inFull: true)
            again.delay = Self.secondLookDelay
            add(again)
        } else if let reason = answer.rejected.first(where: \.isTransient) {
            guard let delay = again.retry.delayAfterFault(retries: settings.retries) else {
                return end(.failed(SettleError(.internalError, "\(reason.name): \(reason.reason)")))
            }
            again.delay = delay
            add(again)
        }
        for rejection in answer.rejected
        where !rejection.isTransient && (inFull || !rejection.isMissingStub) {
            fail(rejection.id, rejection.revision, rejection.name, rejection.reason)
        }
        if answer.isMissing { lookAgain([question.wanted], item) }
        return close(item)
    }

    /// The documents that could not be copied are to be tried again.
    package mutating func retryFailures() -> [Action] {
        let again = failures.filter { $0.revision != nil && !$0.id.bytes.isEmpty }
        guard phase == .copying, !again.isEmpty else { return [] }
        failures.removeAll { $0.revision != nil && !$0.id.bytes.isEmpty }
        statistics.documentWriteFailures -= again.count
        // Nothing new is done by it, so it ends where the newest batch does.
        open(
            again.map { ChangedDocument(id: $0.id, revisions: $0.revision.map { [$0] } ?? []) },
            end: position
        )
        return proceed()
    }

    /// The checkpoint interval has passed.
    package mutating func checkpointDue() -> [Action] {
        phase == .copying ? saveCheckpoint() : []
    }

    /// Both peers have noted a sequence.
    package mutating func checkpointSaved(_ sequence: SourceSequence) -> [Action] {
        guard isSavingCheckpoint else { return [] }
        isSavingCheckpoint = false
        checkpointRetry = RetryCount()
        committed = sequence
        if case .closing(let outcome) = phase { return end(outcome) }
        return mustCheckAgain ? checkPeers() : []
    }

    /// Something beside the copying went wrong that it cannot go on without.
    package mutating func abort(_ failure: PeerFailure) -> [Action] {
        phase == .copying ? end(.failed(failure.error)) : []
    }

    /// The run is to end soon, with what is done by now.
    package mutating func stop() -> [Action] {
        phase == .copying ? end(.stopped) : []
    }
}

extension Replicator {
    /// Begins a batch.
    private mutating func open(_ rows: [ChangedDocument], end: SourceSequence) {
        let number = nextBatch
        nextBatch += 1
        batches[number] = Batch(end: end)
        statistics.missingChecked += rows.reduce(0) { $0 + $1.revisions.count }
        let copyable = rows.filter { !$0.id.bytes.isEmpty }
        for row in rows where row.id.bytes.isEmpty {
            fail(row.id, row.revisions.first, "illegal_docid", "Document id must not be empty")
        }
        if settings.targetIsEmpty {
            let wanted = copyable.flatMap { row in
                row.revisions.map { WantedRevision(id: row.id, revision: $0) }
            }
            statistics.missingFound += wanted.count
            add(fetching: wanted, batch: number)
        } else if !copyable.isEmpty {
            add(Item(batch: number, step: .compare(copyable)))
        }
        closeFinishedBatches()
    }

    /// How long a peer that is a cluster gets to notice what it has: CouchDB's `missing_doc_retry_msec`.
    static var secondLookDelay: Duration { .seconds(2) }

    /// Revisions that were missing may appear a moment later, where the source is a cluster; once.
    private mutating func lookAgain(_ missing: [WantedRevision], _ item: Item) {
        guard !missing.isEmpty else { return }
        if item.isSecondLook {
            for revision in missing {
                fail(
                    revision.id,
                    revision.revision,
                    "not_found",
                    "The source does not have this revision any more."
                )
            }
        } else {
            var step = item.step
            if case .fetch = step { step = .fetch(missing) }
            add(Item(batch: item.batch, step: step, isSecondLook: true, delay: Self.secondLookDelay))
        }
    }

    private mutating func learnSize(of documents: [FetchedDocument]) {
        guard !documents.isEmpty else { return }
        let average = documents.reduce(0) { $0 + $1.json.count } / documents.count
        averageBytes = averageBytes == 0 ? average : (averageBytes * 3 + average) / 4
    }
}

extension Replicator.Step {
    /// The revisions that a step asks the source for.
    var wanted: [WantedRevision] {
        switch self {
        case .fetch(let revisions): revisions
        case .fetchAlone(let revision): [revision]
        case .copy(let question, _): [question.wanted]
        case .fetchAttached(let questions): questions.map(\.wanted)
        case .compare, .write, .writeAttached: []
        }
    }
}

extension WriteRejection {
    /// Whether the target lacks an attachment that came as a stub.
    var isMissingStub: Bool { name == "missing_stub" }

    /// Whether the target might take the document a little later.
    var isTransient: Bool {
        ["internal_server_error", "timeout", "service_unavailable", "error", "unknown_error"].contains(name)
    }

    fileprivate func concerns(_ document: FetchedDocument) -> Bool {
        document.id == id && (revision == nil || revision == document.revision)
    }

    func concerns(_ document: AttachedDocument) -> Bool {
        document.id == id && (revision == nil || revision == document.revision.revision)
    }
}
