// Copies one document with attachments: the source sends while the target takes, so what is in memory is a few pieces
// of the content, however large it is.

import SettleCore

/// A copy of a document with attachments from one peer to another.
struct AttachedCopy: Sendable {
    let source: any Peer
    let target: any Peer
    /// Whether also attachments are sent that the target should have.
    let inFull: Bool

    /// Copies the leaves that a revision has become.
    func run(_ question: AttachedQuestion) async throws(PeerFailure) -> CopyAnswer {
        let channel = RevisionChannel()
        let wanted = question.wanted
        let bare = AttachedQuestion(WantedRevision(id: wanted.id, revision: wanted.revision))
        let question = inFull ? bare : question
        let (source, target) = (source, target)
        let held = try await target.holds(question.shown)
        let result = await withTaskGroup(of: Void.self) { group in
            group.addTask {
                let end = await attempt { () async throws(PeerFailure) in
                    try await source.send(question, held: held, to: channel)
                }
                channel.finish(end)
            }
            let result = await attempt { () async throws(PeerFailure) in
                try await receive(question.wanted, from: channel)
            }
            channel.close()
            group.cancelAll()
            return result
        }
        return try result.get()
    }

    private func receive(_ wanted: WantedRevision, from channel: RevisionChannel) async throws(PeerFailure)
        -> CopyAnswer
    {
        var answer = CopyAnswer()
        while true {
            let event: RevisionEvent?
            do throws(PeerFailure) {
                event = try await channel.next()
            } catch  where error.concernsDocument {
                answer.rejected.append(wanted.rejected(error))
                return answer
            }
            guard let event else { return answer }
            switch event {
            case .revision(let revision):
                answer.documentsRead += 1
                if let rejection = try await target.take(revision, of: wanted.id, from: channel) {
                    answer.rejected.append(rejection)
                } else {
                    answer.documentsWritten += 1
                }
            case .missing: answer.isMissing = true
            // The rest of a revision that was refused.
            case .content, .contentEnd: break
            }
        }
    }
}

extension WantedRevision {
    /// The revision as one that could not be copied.
    func rejected(_ failure: PeerFailure) -> WriteRejection {
        WriteRejection(id: id, revision: revision, name: failure.name, reason: failure.reason)
    }
}
