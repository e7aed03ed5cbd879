// What an index knows about itself: one row, written with every commit.
//
// It is read first in every transaction, as `life` is in the documents' file: an index is never replaced or deleted
// silently, the last transaction in its file says that another took its place.

import SettleCore
import SettleStorage

/// The header of an index's file.
struct IndexHeader: Sendable, Hashable {
    /// What it was built from, and how far it is.
    var state: ViewIndexState
    /// Whether another file took this one's place, or none.
    var isRetired = false
    /// The number that the next node gets.
    var nextNode: UInt64 = 1
    /// The roots, in the order of the group's trees.
    var trees: [IndexTree]

    init(state: ViewIndexState, treeCount: Int) {
        self.state = state
        trees = Array(repeating: IndexTree(), count: treeCount)
    }
}

/// The version of the index format that this code writes; one of another version is built anew.
let indexFormatVersion: UInt64 = 1

extension IndexHeader {
    /// The name of the header's row in `meta`.
    static let key = Array("header".utf8)

    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        appendVarint(indexFormatVersion, to: &bytes)
        bytes.append(isRetired ? 1 : 0)
        for text in [state.databaseUUID, state.collatorVersion] {
            appendVarint(UInt64(text.count), to: &bytes)
            bytes.append(contentsOf: text)
        }
        for number in [
            UInt64(state.incarnation), state.updateSequence, state.purgeSequence, nextNode,
            UInt64(trees.count),
        ] {
            appendVarint(number, to: &bytes)
        }
        for tree in trees {
            let text = tree.encoded
            appendVarint(UInt64(text.count), to: &bytes)
            bytes.append(contentsOf: text)
        }
        return bytes
    }

    /// Reads a header; nil for one of another format.
    init?(decoding bytes: borrowing Span<UInt8>) throws {
        var offset = 0
        guard try bytes.varint(&offset) == indexFormatVersion else { return nil }
        isRetired = try bytes.byte(&offset) != 0
        let uuid = try bytes.text(&offset)
        let collator = try bytes.text(&offset)
        state = ViewIndexState(
            databaseUUID: uuid,
            incarnation: UInt32(truncatingIfNeeded: try bytes.varint(&offset)),
            collatorVersion: collator,
            updateSequence: try bytes.varint(&offset),
            purgeSequence: try bytes.varint(&offset)
        )
        nextNode = try bytes.varint(&offset)
        let count = try bytes.varint(&offset)
        trees = []
        for _ in 0..<count { trees.append(try IndexTree(encoded: try bytes.text(&offset))) }
    }
}
