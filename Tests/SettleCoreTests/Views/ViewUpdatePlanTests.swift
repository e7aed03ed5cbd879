import SettleCore
import Testing

@Suite("What an index has to do next")
struct ViewUpdatePlanTests {
    private let database = DatabasePosition(
        databaseUUID: [1],
        incarnation: 7,
        updateSequence: 10,
        purgeSequence: 5,
        oldestPurge: 3
    )

    private func plan(_ change: (inout ViewIndexState) -> Void) -> ViewUpdatePlan {
        var state = ViewIndexState(
            databaseUUID: [1],
            incarnation: 7,
            collatorVersion: [9],
            updateSequence: 10,
            purgeSequence: 5
        )
        change(&state)
        return ViewUpdatePlan(state, database, collatorVersion: [9])
    }

    @Test("An index that has everything does nothing, one that lacks something follows")
    func follows() {
        #expect(plan { _ in } == .nothing)
        #expect(plan { $0.updateSequence = 9 } == .follow)
        #expect(plan { $0.purgeSequence = 4 } == .follow)
        #expect(plan { $0.purgeSequence = 2 } == .follow)
    }

    @Test("An index of another database, collation or time is built anew")
    func builds() {
        #expect(ViewUpdatePlan(nil, database, collatorVersion: [9]) == .build)
        #expect(plan { $0.databaseUUID = [2] } == .build)
        #expect(plan { $0.incarnation = 8 } == .build)
        #expect(plan { $0.collatorVersion = [8] } == .build)
        #expect(plan { $0.updateSequence = 11 } == .build)
        #expect(plan { $0.purgeSequence = 6 } == .build)
        // Purge 2 was forgotten before the index saw it.
        #expect(plan { $0.purgeSequence = 1 } == .build)
    }

    @Test("A database that keeps no purges leaves no index behind")
    func keepsNoPurges() {
        var database = database
        database.oldestPurge = nil
        let state = ViewIndexState(
            databaseUUID: [1],
            incarnation: 7,
            collatorVersion: [9],
            updateSequence: 10,
            purgeSequence: 4
        )
        #expect(ViewUpdatePlan(state, database, collatorVersion: [9]) == .build)
    }
}
