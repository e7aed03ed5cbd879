// What to do when a request fails as a whole.
//
// | what happened                     | what follows |
// |-----------------------------------|--------------|
// | 429                               | the same again, ever slower: 20 ms, × 1.2, until 25 s; then the run fails; other |
// |                                   | requests to that peer slow down too (`RequestPace`) |
// | no answer, 408, 5xx               | the same again after 250 ms, 500 ms, … five times; then the run fails |
// | an answer that makes no sense     | the same again twice, for it may have been cut short |
// | 413 or another 4xx for a write    | the two halves; a document alone is listed as failed |
// | an answer that is too large       | the two halves |
// | `_bulk_get` is unknown            | each document alone, from here on |
// | 401, 403, 404 for a whole request | the run fails: the database is closed to us, or gone |
// | another database of its name      | the run is outdated: see `Replicator+Checks` |
//
// The halving finds the one document a target won't take among a thousand it will, whatever the reason: too large, an
// attachment name, an id that only one of the two allows.

/// How long to wait before a request is tried again.
package enum RetryDelay {
    /// After a failure that may pass: 250 ms, doubling, at most five minutes.
    package static func afterFailure(_ attempts: Int) -> Duration {
        min(.milliseconds(250 << min(attempts, 16)), .seconds(300))
    }

    /// After "too many requests"; nil once the pace would be slower than one request in 25 s.
    package static func afterThrottling(_ times: Int) -> Duration? {
        var milliseconds = 20.0
        for _ in 0..<times { milliseconds *= 1.2 }
        return milliseconds > 25_000 ? nil : .milliseconds(Int(milliseconds))
    }
}

extension Replicator {
    /// A step failed as a whole.
    package mutating func failed(_ id: StepID, _ failure: PeerFailure) -> [Action] {
        guard var item = running.removeValue(forKey: id) else { return [] }
        if failure.status == 429 {
            guard let delay = RetryDelay.afterThrottling(item.throttled) else {
                return end(.failed(failure.error))
            }
            item.throttled += 1
            paces.wasRefused(item.step)
            return again(item, after: failure.pace(delay))
        }
        if case .fetchAttached(let questions) = item.step {
            return fetchAttachedFailed(questions, item, failure)
        }
        // An answer that makes no sense may have been cut short.
        let isCut = failure.kind == .malformedAnswer && item.attempts < min(settings.retries, 2)
        if failure.isTransient || isCut {
            guard item.attempts < settings.retries else { return end(.failed(failure.error)) }
            let delay = failure.pace(RetryDelay.afterFailure(item.attempts))
            item.attempts += 1
            return again(item, after: delay)
        }
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
        case .compare, .fetchAlone, .fetchAttached, .copy: return end(.failed(failure.error))
        }
    }

    /// A page of changes could not be read.
    package mutating func changesFailed(_ failure: PeerFailure) -> [Action] {
        guard phase == .copying, isReading else { return [] }
        hasLostSource = true
        var delay: Duration?
        if failure.status == 429 {
            delay = RetryDelay.afterThrottling(changesThrottled)
            changesThrottled += 1
        } else if failure.isTransient || failure.kind == .malformedAnswer, changesAttempts < settings.retries
        {
            delay = RetryDelay.afterFailure(changesAttempts)
            changesAttempts += 1
        }
        guard let delay else { return end(.failed(failure.error)) }
        return [
            .readChanges(
                after: position,
                limit: settings.batchSize,
                waiting: reachedEnd,
                delay: failure.pace(delay)
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
        if failure.isTransient || failure.status == 429, checkpointAttempts < settings.retries {
            let delay = failure.pace(RetryDelay.afterFailure(checkpointAttempts))
            checkpointAttempts += 1
            return saveCheckpoint(delay: delay)
        }
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
        switch failure.status {
        case 401, 403, 404: return end(.failed(failure.error))
        case .some(400..<500): break
        default: return end(.failed(failure.error))
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

extension PeerFailure {
    /// A delay, or what the peer asks for if that is longer, within reason.
    func pace(_ delay: Duration) -> Duration {
        max(delay, min(retryAfter ?? .zero, .seconds(300)))
    }
}
