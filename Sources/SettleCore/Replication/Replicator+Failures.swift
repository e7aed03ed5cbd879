// What to do when a request fails as a whole.
//
// | what happened                      | what follows                                                          |
// |------------------------------------|-----------------------------------------------------------------------|
// | what may pass (`RetryCount`)       | the same again a few times, then the run fails; after a 429 other     |
// |                                    | requests to that peer slow down too (`RequestPace`)                   |
// | 413 for a write or a comparison    | the two halves; a document alone is listed as failed                  |
// | 400 from a database, for a write   | the same                                                              |
// | an answer that is too large        | the two halves; a document alone is listed as failed                  |
// | `_bulk_get` is unknown             | each document alone, from here on                                     |
// | another database of its name       | the run is outdated: see `Replicator+Checks`                          |
// | anything else                      | the run fails, and the next one starts from the checkpoint            |
//
// The halving finds the one document a target won't take among a thousand it will: too large, an attachment name, an id
// that only one of the two allows. Other refusals are not about a document, and to list documents for them would move
// the checkpoint behind what was never copied.

extension Replicator {
    /// A step failed as a whole.
    package mutating func failed(_ id: StepID, _ failure: PeerFailure) -> [Action] {
        guard var item = running.removeValue(forKey: id) else { return [] }
        if case .fetchAttached(let questions) = item.step, failure.status != 429 {
            return fetchAttachedFailed(questions, item, failure)
        }
        let delay = item.retry.delay(
            after: failure,
            retries: settings.retries,
            patience: settings.patience,
            countsTime: !item.step.isCopy
        )
        if failure.status == 429 { paces.wasRefused(item.step) }
        if let delay { return again(item, after: delay) }
        if failure.isTransient || failure.status == 429 { return end(.failed(failure.error)) }
        switch item.step {
        case .write(let documents): return writeFailed(documents, item, failure)
        case .writeAttached(let documents): return writeAttachedFailed(documents, item, failure)
        case .fetch(let wanted): return fetchFailed(wanted, item, failure)
        case .fetchAlone(let revision) where failure.kind == .answerTooLarge:
            fail(revision.id, revision.revision, failure.name, failure.reason)
            return close(item)
        case .copy(let question, _) where [.answerTooLarge, .malformedAnswer].contains(failure.kind):
            fail(question.wanted.id, question.wanted.revision, failure.name, failure.reason)
            return close(item)
        case .compare(let rows) where failure.status == 413 && rows.count > 1:
            let middle = rows.count / 2
            add(Item(batch: item.batch, step: .compare(Array(rows[..<middle]))))
            add(Item(batch: item.batch, step: .compare(Array(rows[middle...]))))
            return close(item)
        case .compare, .fetchAlone, .fetchAttached, .copy: return end(.failed(failure.error))
        }
    }

    /// A page of changes could not be read.
    package mutating func changesFailed(_ failure: PeerFailure) -> [Action] {
        guard phase == .copying, isReading else { return [] }
        hasLostSource = true
        // A feed that has held for a while did not fail; somebody on the way does not like waiting.
        if reachedEnd, failure.elapsed >= RetryCount.patience { readingRetry = RetryCount() }
        // Changes that make no sense were cut short: for a feed that is no answer.
        var cut = PeerFailure(.transport, name: failure.name, reason: failure.reason)
        cut.elapsed = failure.elapsed
        let reason = failure.kind == .malformedAnswer ? cut : failure
        guard
            let delay = readingRetry.delay(
                after: reason,
                retries: settings.retries,
                patience: settings.patience
            )
        else { return end(.failed(failure.error)) }
        return [
            .readChanges(
                after: position,
                limit: settings.batchSize,
                waiting: reachedEnd,
                delay: delay
            )
        ]
    }

    /// A checkpoint could not be saved.
    package mutating func checkpointFailed(_ failure: PeerFailure) -> [Action] {
        guard isSavingCheckpoint else { return [] }
        isSavingCheckpoint = false
        if failure.kind == .replaced { return finish(.outdated(failure.error)) }
        // A run that fails or is stopped does not insist: what it leaves unnoted is looked at again next time.
        if case .closing(let outcome) = phase, outcome != .completed {
            phase = .finished
            return [.finish(outcome)]
        }
        let delay = checkpointRetry.delay(
            after: failure,
            retries: settings.retries,
            patience: settings.patience
        )
        if let delay { return saveCheckpoint(delay: delay) }
        phase = .finished
        return [.finish(.failed(failure.error))]
    }

    mutating func again(_ item: Item, after delay: Duration) -> [Action] {
        guard phase == .copying else { return [] }
        let id = nextStep
        nextStep += 1
        running[id] = item
        return [.perform(id, item.step, delay: delay)]
    }

    private mutating func writeFailed(
        _ documents: [FetchedDocument],
        _ item: Item,
        _ failure: PeerFailure
    ) -> [Action] {
        guard failure.status == 413 || failure.status == 400 && failure.isExplained else {
            return end(.failed(failure.error))
        }
        if documents.count == 1 {
            fail(documents[0].id, documents[0].revision, failure.name, failure.reason)
        } else {
            let middle = documents.count / 2
            add(Item(batch: item.batch, step: .write(Array(documents[..<middle]))))
            add(Item(batch: item.batch, step: .write(Array(documents[middle...]))))
        }
        return close(item)
    }

    private mutating func fetchFailed(
        _ wanted: [WantedRevision],
        _ item: Item,
        _ failure: PeerFailure
    ) -> [Action] {
        if failure.kind == .answerTooLarge, wanted.count > 1 {
            let middle = wanted.count / 2
            for half in [wanted[..<middle], wanted[middle...]] {
                add(Item(batch: item.batch, step: .fetch(Array(half)), isSecondLook: item.isSecondLook))
            }
            averageBytes *= 2
            return close(item)
        }
        switch (failure.kind, failure.status) {
        case (_, 400), (_, 404), (_, 405), (_, 406), (_, 413), (_, 415), (_, 501), (.malformedAnswer, _):
            usesBulkGet = false
            add(item)
            fetchEachAlone()
            return close(item)
        case (.answerTooLarge, _):
            fail(wanted[0].id, wanted[0].revision, failure.name, failure.reason)
            return close(item)
        default:
            return end(.failed(failure.error))
        }
    }
}

extension Replicator {
    /// Turns the fetches that wait into fetches of single documents.
    private mutating func fetchEachAlone() {
        let items = waiting.fetches
        waiting.fetches = []
        for item in items {
            for revision in item.step.wanted {
                var alone = item
                alone.step = .fetchAlone(revision)
                add(alone)
            }
            batches[item.batch]?.open -= 1
        }
    }
}
