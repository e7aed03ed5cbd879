// Whether both peers are still the databases that the run began with (see `PeerIdentity`).
//
// A checkpoint is only saved in databases that were found to be the same, so nothing wrong is ever noted. What is left is a
// run that has nothing to note: one that waits for changes, which has to look now and then, or when somebody tells it to, or
// when its source was out of reach; and one that ends without notes.

extension Replicator {
    /// It is time to look; a run that is busy finds out when it saves its checkpoint.
    package mutating func checkDue() -> [Action] {
        isIdle ? checkPeers() : []
    }

    /// One of the peers may have been replaced.
    package mutating func peersMayBeReplaced() -> [Action] {
        phase == .copying ? checkPeers() : []
    }

    /// Both peers are what they were.
    package mutating func checked() -> [Action] {
        guard isCheckingPeers, phase != .finished else { return [] }
        isCheckingPeers = false
        if case .closing(let outcome) = phase { return end(outcome, isChecked: !mustCheckAgain) }
        return mustCheckAgain ? checkPeers() : []
    }

    /// A peer is not what it was, or could not be asked.
    package mutating func checkFailed(_ failure: PeerFailure) -> [Action] {
        guard isCheckingPeers, phase != .finished else { return [] }
        (isCheckingPeers, mustCheckAgain) = (false, false)
        if failure.kind == .replaced { return finish(.outdated(failure.error)) }
        // One that does not answer now is waited for where it is needed; one that is gone, or closed to us, is not.
        let isLost = [401, 403, 404].contains(failure.status)
        switch phase {
        case .copying: return isLost ? end(.failed(failure.error)) : []
        case .closing(let outcome): return end(isLost ? .failed(failure.error) : outcome, isChecked: true)
        case .finished: return []
        }
    }

    /// Looks, unless a look or a checkpoint is under way: then as soon as that is over.
    ///
    /// Never beside a checkpoint, which changes the notes that are looked at.
    mutating func checkPeers() -> [Action] {
        guard !isCheckingPeers, !isSavingCheckpoint else {
            mustCheckAgain = true
            return []
        }
        (isCheckingPeers, mustCheckAgain) = (true, false)
        return [.checkPeers]
    }

    /// Whether a run that ends has something to say of databases that no checkpoint has made sure of.
    func mustCheckBeforeEnd(_ outcome: Outcome) -> Bool {
        outcome == .completed && !settings.usesCheckpoints && through != origin
    }
}
