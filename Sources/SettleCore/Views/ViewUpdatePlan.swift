// What an index has to do to be its database's index, decided from a few numbers.
//
// An index follows its database by two sequences, of updates and of purges. It can go on from where it is only if it is
// an index of this very database (a deleted one may have been made anew, a backup restored), was sorted by the collation
// this process has, is not ahead of the database, and no purge that it hasn't seen was forgotten.
//
// The subtle thing: the generation of the database's file is no part of this. Compaction keeps all sequences, and an
// index of the old file is one of the new file.

/// What an index was built from, and how far it is.
package struct ViewIndexState: Sendable, Hashable {
    package var databaseUUID: [UInt8]
    package var incarnation: UInt32
    package var collatorVersion: [UInt8]
    /// Every change up to this sequence is in the index.
    package var updateSequence: UInt64
    /// Every purge up to this sequence was applied.
    package var purgeSequence: UInt64

    package init(
        databaseUUID: [UInt8],
        incarnation: UInt32,
        collatorVersion: [UInt8],
        updateSequence: UInt64 = 0,
        purgeSequence: UInt64 = 0
    ) {
        self.databaseUUID = databaseUUID
        self.incarnation = incarnation
        self.collatorVersion = collatorVersion
        self.updateSequence = updateSequence
        self.purgeSequence = purgeSequence
    }
}

/// Where a database stands, as one snapshot shows it.
package struct DatabasePosition: Sendable, Hashable {
    package var databaseUUID: [UInt8]
    package var incarnation: UInt32
    package var updateSequence: UInt64
    package var purgeSequence: UInt64
    /// The oldest purge that is still written down; nil if there is none.
    package var oldestPurge: UInt64?

    package init(
        databaseUUID: [UInt8],
        incarnation: UInt32,
        updateSequence: UInt64,
        purgeSequence: UInt64,
        oldestPurge: UInt64?
    ) {
        self.databaseUUID = databaseUUID
        self.incarnation = incarnation
        self.updateSequence = updateSequence
        self.purgeSequence = purgeSequence
        self.oldestPurge = oldestPurge
    }
}

/// The next step of an index.
package enum ViewUpdatePlan: Sendable, Hashable {
    /// The index has everything.
    case nothing
    /// The index goes on from where it is.
    case follow
    /// The index can't become this database's: another has to be built.
    case build

    /// Decides from an index's state, nil if there is none, and its database's position.
    package init(_ index: ViewIndexState?, _ database: DatabasePosition, collatorVersion: [UInt8]) {
        guard let index, index.databaseUUID == database.databaseUUID,
            index.incarnation == database.incarnation,
            index.collatorVersion == collatorVersion,
            index.updateSequence <= database.updateSequence, index.purgeSequence <= database.purgeSequence
        else {
            self = .build
            return
        }
        if index.purgeSequence < database.purgeSequence {
            guard let oldest = database.oldestPurge, oldest <= index.purgeSequence + 1 else {
                self = .build
                return
            }
            self = .follow
        } else {
            self = index.updateSequence == database.updateSequence ? .nothing : .follow
        }
    }
}
