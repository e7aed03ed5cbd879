import Testing

@testable import SettleCore

@Suite("The identity of a database")
struct PeerIdentityTests {
    private func identity(_ incarnation: String, at sequence: String, noted: String? = nil) -> PeerIdentity {
        let notes = noted.map { text -> JSONObject in
            ["session_id": "s", "source_last_seq": SourceSequence(parameter: text).value]
        }
        return PeerIdentity(
            incarnation: incarnation,
            updateSequence: SourceSequence(parameter: sequence),
            notes: PeerIdentity.Notes(notes)
        )
    }

    @Test("stays when it grows, whoever notes progress in it")
    func same() {
        #expect(identity("1", at: "5").change(to: identity("1", at: "9")) == nil)
        #expect(identity("1", at: "5", noted: "4").change(to: identity("1", at: "5", noted: "4")) == nil)
        // The answer of a write was lost, or somebody else goes on with the same notes.
        #expect(identity("1", at: "5", noted: "4").change(to: identity("1", at: "5", noted: "5")) == nil)
        #expect(identity("1", at: "5").change(to: identity("1", at: "5", noted: "5")) == nil)
        #expect(identity("0", at: "5").change(to: identity("7", at: "5")) == nil)
        #expect(identity("1", at: "5").change(to: identity("1", at: "9"), readUpTo: Make.sequence(9)) == nil)
    }

    @Test("is another one when it was deleted and made again")
    func recreated() {
        #expect(identity("1", at: "5").change(to: identity("2", at: "5")) == .recreated)
        // Within the same second, where sequences tell.
        let (before, after) = (identity("1", at: "5-0000000a"), identity("1", at: "9-0000000b"))
        #expect(before.change(to: after) == .recreated)
        // A server that says "0" of every database has lost our notes.
        #expect(identity("0", at: "5", noted: "4").change(to: identity("0", at: "9")) == .recreated)
    }

    @Test("is another one when it was put back from a backup")
    func setBack() {
        let position = Make.sequence(5)
        #expect(identity("0", at: "5").change(to: identity("0", at: "4"), readUpTo: position) == .setBack)
        // It has come further again, but its notes are those of then.
        let (before, after) = (identity("1", at: "50", noted: "40"), identity("1", at: "60", noted: "30"))
        #expect(before.change(to: after, readUpTo: position) == .setBack)
        // Copies in a cluster count on their own.
        let (here, there) = (identity("1", at: "50-g1AAA"), identity("1", at: "49-g1AAB"))
        #expect(here.change(to: there, readUpTo: SourceSequence(parameter: "50-g1AAA")) == nil)
    }
}

@Suite("A replicator whose databases are replaced")
struct ReplicatorChecksTests {
    private let replaced = PeerFailure(.replaced, name: "checkpoint_commit_failure", reason: "It is gone.")
    private var outdated: Replicator.Action { .finish(.outdated(replaced.error)) }

    /// A replicator that waits for changes after sequence 2, which is noted.
    private func idle() -> Replicator {
        var settings = Replicator.Settings()
        settings.isContinuous = true
        var replicator = Replicator(settings, from: Make.sequence(2))
        _ = replicator.start()
        _ = replicator.changesRead(Make.page([], end: 2, pending: 0))
        return replicator
    }

    @Test("looks when it is time and it waits for changes, and ends without a checkpoint")
    func waiting() {
        var replicator = idle()
        #expect(replicator.checkDue() == [.checkPeers])
        #expect(replicator.checkDue() == [])
        // Somebody told it meanwhile: the look that is under way may have come too early.
        #expect(replicator.checked() == [.checkPeers])
        #expect(replicator.checked() == [])
        #expect(replicator.peersMayBeReplaced() == [.checkPeers])
        #expect(replicator.checkFailed(replaced) == [outdated])
        #expect(replicator.checked() == [] && replicator.checkDue() == [])
    }

    @Test("does not look while it works, and finds out when it notes how far it came")
    func working() {
        var replicator = Replicator(.init(), from: .zero)
        _ = replicator.start()
        let page = Make.page([Make.row("a", "1-a")], end: 1, pending: 0)
        #expect(replicator.changesRead(page).count == 1)
        #expect(replicator.checkDue() == [])
        let saves = replicator.compared(1, missing: [])
        #expect(saves == [.saveCheckpoint(Make.sequence(1), delay: .zero)])
        #expect(replicator.checkpointFailed(replaced) == [outdated])
    }

    @Test("looks when the source was out of reach, or counts from the start again")
    func suspicious() {
        var replicator = idle()
        _ = replicator.changesFailed(PeerFailure(.transport, name: "cut", reason: ""))
        #expect(replicator.changesRead(Make.page([], end: 2, pending: 0)).first == .checkPeers)
        replicator = idle()
        #expect(replicator.changesRead(Make.page([], end: 1, pending: 0)).first == .checkPeers)
        replicator = idle()
        #expect(replicator.changesRead(Make.page([], end: 3, pending: 0)).contains(.checkPeers) == false)
    }

    @Test("ends when a database is gone or closed to it, and waits for one that does not answer")
    func unreachable() {
        for status in [401, 403, 404] {
            var replicator = idle()
            _ = replicator.checkDue()
            #expect(
                replicator.checkFailed(Make.status(status)) == [.finish(.failed(Make.status(status).error))]
            )
        }
        var replicator = idle()
        _ = replicator.checkDue()
        #expect(replicator.checkFailed(Make.status(503)) == [])
        #expect(replicator.checkDue() == [.checkPeers])
    }

    @Test("looks before it ends where it notes nothing")
    func withoutNotes() {
        var settings = Replicator.Settings()
        settings.usesCheckpoints = false
        func run() -> Replicator {
            var replicator = Replicator(settings, from: .zero)
            _ = replicator.start()
            _ = replicator.changesRead(Make.page([Make.row("a", "1-a")], end: 1, pending: 0))
            #expect(replicator.compared(1, missing: []) == [.checkPeers])
            return replicator
        }
        var replicator = run()
        #expect(replicator.checked() == [.finish(.completed)])
        replicator = run()
        #expect(replicator.checkFailed(replaced) == [outdated])
        replicator = run()
        #expect(replicator.checkFailed(Make.status(404)) == [.finish(.failed(Make.status(404).error))])
        replicator = run()
        #expect(replicator.checkFailed(Make.status(503)) == [.finish(.completed)])
        // Nothing was done, so there is nothing to be wrong about.
        replicator = Replicator(settings, from: .zero)
        _ = replicator.start()
        #expect(replicator.changesRead(Make.page([], end: 0, pending: 0)) == [.finish(.completed)])
    }
}
