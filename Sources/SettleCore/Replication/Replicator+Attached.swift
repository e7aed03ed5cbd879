// Documents with attachments: which travel in groups, which alone, and what follows when a group goes wrong.
//
// | what happened to a group                | what follows |
// |-----------------------------------------|--------------|
// | the source left out some of it          | those alone, where it is told why |
// | its answer broke off after some of it   | the rest, as a group again |
// | no answer, once                         | the same again, after a moment |
// | no answer again, or one without sense   | each alone: there one goes on where the connection broke |
// | an answer that is too large             | the two halves; a document alone |
// | the source refuses the request          | each alone, from here on |
// | 412 `missing_stub` for one document     | that one alone, in full |
// | 413, 412 or another 4xx from the target | the two halves; a document alone |
//
// So a group never fails a document: only the copy of one document does.

extension Replicator {
    /// Queues the copying of documents that have attachments; returns the others.
    ///
    /// A revision that has grown into several leaves is copied as a whole if one of them has attachments.
    mutating func addAttached(
        _ documents: [FetchedDocument],
        _ wanted: [WantedRevision],
        _ item: Item
    ) -> [FetchedDocument] {
        guard documents.contains(where: \.hasAttachments) else { return documents }
        let answers = Dictionary(grouping: documents, by: \.question)
        let attached = answers.filter { $0.value.contains(where: \.hasAttachments) }
        let questions = wanted.compactMap { revision in
            attached[WantedRevision(id: revision.id, revision: revision.revision)]
                .map { AttachedQuestion(revision, $0) }
        }
        add(attached: questions, batch: item.batch)
        return documents.filter { attached[$0.question] == nil }
    }

    private mutating func add(attached questions: [AttachedQuestion], batch: Int) {
        var (group, groupBytes): ([AttachedQuestion], Int) = ([], 0)
        for question in questions {
            guard usesGroups, let bytes = question.bytes, bytes <= settings.attachedDocumentBytes else {
                add(Item(batch: batch, step: .copy(question, inFull: false)))
                continue
            }
            if !group.isEmpty, groupBytes + bytes > settings.attachedGroupBytes {
                add(Item(batch: batch, step: .fetchAttached(group)))
                (group, groupBytes) = ([], 0)
            }
            group.append(question)
            groupBytes += bytes
        }
        if !group.isEmpty { add(Item(batch: batch, step: .fetchAttached(group))) }
    }

    /// The source gave documents with the content of their attachments.
    package mutating func fetchedAttached(_ id: StepID, _ answer: AttachedAnswer) -> [Action] {
        guard let item = running.removeValue(forKey: id), case .fetchAttached(let questions) = item.step
        else { return [] }
        paces.wasServed(item.step)
        statistics.documentsRead += answer.documents.count
        if !answer.documents.isEmpty {
            add(Item(batch: item.batch, step: .writeAttached(answer.documents)))
        }
        let left = answer.left.map { questions[$0] }
        if answer.isCut, left.count < questions.count {
            add(Item(batch: item.batch, step: .fetchAttached(left)))
        } else {
            add(alone: left, item)
        }
        return close(item)
    }

    /// The target took the documents of a group, except for some.
    package mutating func writtenAttached(_ id: StepID, rejected: [WriteRejection]) -> [Action] {
        guard let item = running.removeValue(forKey: id), case .writeAttached(let documents) = item.step
        else { return [] }
        paces.wasServed(item.step)
        var again: [AttachedDocument] = []
        var reason: WriteRejection?
        for document in documents {
            guard let rejection = rejected.first(where: { $0.concerns(document) }) else {
                statistics.documentsWritten += 1
                continue
            }
            if rejection.isTransient {
                again.append(document)
                reason = rejection
            } else if rejection.isMissingStub {
                copyInFull(document, item)
            } else {
                fail(document.id, document.revision.revision, rejection.name, rejection.reason)
            }
        }
        if let reason {
            var retry = item.retry
            guard let delay = retry.delayAfterFault(retries: settings.retries) else {
                return end(.failed(SettleError(.internalError, "\(reason.name): \(reason.reason)")))
            }
            add(Item(batch: item.batch, step: .writeAttached(again), retry: retry, delay: delay))
        }
        return close(item)
    }
}

extension Replicator {
    /// A group could not be fetched.
    mutating func fetchAttachedFailed(
        _ questions: [AttachedQuestion],
        _ item: Item,
        _ failure: PeerFailure
    ) -> [Action] {
        var item = item
        if failure.isTransient, item.retry.attempts == 0,
            let delay = item.retry.delay(after: failure, retries: settings.retries)
        {
            return again(item, after: delay)
        }
        if failure.kind == .answerTooLarge, questions.count > 1 {
            let middle = questions.count / 2
            add(Item(batch: item.batch, step: .fetchAttached(Array(questions[..<middle]))))
            add(Item(batch: item.batch, step: .fetchAttached(Array(questions[middle...]))))
            return close(item)
        }
        add(alone: questions, item)
        if !failure.isTransient, failure.status != nil {
            usesGroups = false
            let groups = waiting.attachedFetches
            waiting.attachedFetches = []
            for group in groups {
                if case .fetchAttached(let questions) = group.step { add(alone: questions, group) }
                batches[group.batch]?.open -= 1
            }
        }
        return close(item)
    }

    /// A group could not be written.
    mutating func writeAttachedFailed(
        _ documents: [AttachedDocument],
        _ item: Item,
        _ failure: PeerFailure
    ) -> [Action] {
        guard let status = failure.status, (400..<500).contains(status), ![401, 403, 404].contains(status)
        else { return end(.failed(failure.error)) }
        if documents.count > 1 {
            let middle = documents.count / 2
            add(Item(batch: item.batch, step: .writeAttached(Array(documents[..<middle]))))
            add(Item(batch: item.batch, step: .writeAttached(Array(documents[middle...]))))
        } else if let document = documents.first {
            if failure.name == "missing_stub" {
                copyInFull(document, item)
            } else {
                add(alone: [document.question], item)
                statistics.documentsRead -= 1
            }
        }
        return close(item)
    }

    private mutating func add(alone questions: [AttachedQuestion], _ item: Item) {
        for question in questions {
            add(Item(batch: item.batch, step: .copy(question, inFull: false)))
        }
    }

    /// The target lost what it was believed to have.
    private mutating func copyInFull(_ document: AttachedDocument, _ item: Item) {
        statistics.documentsRead -= 1
        add(
            Item(batch: item.batch, step: .copy(document.question, inFull: true), delay: Self.secondLookDelay)
        )
    }
}

extension FetchedDocument {
    /// What was asked for, without the ancestors.
    fileprivate var question: WantedRevision { WantedRevision(id: id, revision: revision) }
}
