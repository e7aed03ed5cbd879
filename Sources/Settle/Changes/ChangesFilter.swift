// Which changes pass, where that takes a look at the documents.
//
//     let filter = ChangesFilter.selector(try Selector(["type": "task"]))
//     let page = try await database.filteredChanges(ChangesRange(after: 0), filter)
//     page.passed     // [(sequence: 7, revisions: [2-…]), …]
//
// It happens in three moves, because a filter may take its time and a snapshot must not be held meanwhile: the documents
// of some changes are read in one snapshot (`ChangeCandidates`); the filter judges them, wherever it runs; whoever asked
// looks at those that passed in a snapshot of its own. A document that changed in between is not in that place any more
// and comes again later.
//
// The subtle thing is `style=all_docs`: then every leaf is judged, and the change names those that passed.

internal import SettleCollation
package import SettleCore

/// Judges documents.
package enum ChangesFilter: Sendable {
    /// Those that match a selector.
    case selector(Selector)
    /// Those that a function of a design document lets through.
    case function(FilterFunction)

    /// Says of each document whether it passes.
    package func passes(_ candidates: ChangeCandidates) async throws(SettleError) -> [Bool] {
        switch self {
        case .selector(let selector):
            var answers: [Bool] = []
            for text in candidates.texts {
                answers.append(try selector.matches(candidates.bytes, in: text))
            }
            return answers
        case .function(let function): return try await function.passes(candidates)
        }
    }
}

extension Selector {
    /// Whether a document matches, given its JSON text; strings are in ICU's order.
    package func matches(_ text: [UInt8], in range: Range<Int>? = nil) throws(SettleError) -> Bool {
        matches(text, in: range, try ICUCollator.shared)
    }
}

/// Changes, and the documents by which it is decided whether they pass.
package struct ChangeCandidates: Sendable {
    /// The documents' JSON texts.
    package fileprivate(set) var bytes: [UInt8] = []
    /// Where in the bytes each text is.
    package fileprivate(set) var texts: [Range<Int>] = []
    fileprivate var revisions: [RevisionID] = []
    /// Each change, and where its documents begin in the lists above.
    fileprivate var changes: [(sequence: UInt64, id: DocumentID, first: Int)] = []
    /// Whether there are no more changes.
    fileprivate var isExhausted = false

    fileprivate init() {}

    /// The changes that passed, and the place of each among all of them.
    fileprivate func passed(_ answers: [Bool]) -> [(place: Int, change: PassedChange)] {
        var result: [(Int, PassedChange)] = []
        for (place, change) in changes.enumerated() {
            let end = place + 1 < changes.count ? changes[place + 1].first : texts.count
            let kept = (change.first..<end).filter { answers[$0] }.map { revisions[$0] }
            if !kept.isEmpty {
                let passed = PassedChange(sequence: change.sequence, id: change.id, revisions: kept)
                result.append((place, passed))
            }
        }
        return result
    }
}

/// A change that passed a filter.
package struct PassedChange: Hashable, Sendable {
    package let sequence: UInt64
    package let id: DocumentID
    /// The leaves that passed; the winner alone, unless all leaves were asked for.
    package let revisions: [RevisionID]
}

/// Which changes to look at.
package struct ChangesRange: Hashable, Sendable {
    /// The sequence after which, or descending, before which to begin.
    package var start: UInt64
    package var isDescending = false
    /// Whether every leaf of a document is looked at, not only its winner.
    package var includesAllLeaves = false
    /// So many changes may pass at most.
    package var limit = Int.max

    package init(after start: UInt64) { self.start = start }
}

/// What a filter let through of some changes.
package struct FilteredChanges: Sendable {
    package var passed: [PassedChange] = []
    /// The last change that was looked at; where to go on.
    package var position: UInt64
    /// The same, or the one behind it if the limit was reached and that one would not have passed either.
    package var lastSequence: UInt64
    /// Whether there are no more changes.
    package var isExhausted = false
}

extension Database {
    /// Looks at some changes, a few hundred at most, so that nobody waits long.
    package func filteredChanges(_ range: ChangesRange, _ filter: ChangesFilter) async throws(SettleError)
        -> FilteredChanges
    {
        var page = FilteredChanges(position: range.start, lastSequence: range.start)
        guard range.limit > 0 else { return page }
        let candidates = try read { snapshot in try snapshot.candidates(range, limit: 256) }
        guard let last = candidates.changes.last else {
            page.isExhausted = true
            return page
        }
        let passed = candidates.passed(try await filter.passes(candidates))
        page.passed = passed.prefix(range.limit).map(\.change)
        guard passed.count >= range.limit else {
            (page.position, page.lastSequence) = (last.sequence, last.sequence)
            page.isExhausted = candidates.isExhausted
            return page
        }
        let place = passed[range.limit - 1].place
        page.position = candidates.changes[place].sequence
        page.lastSequence = page.position
        if place + 1 < candidates.changes.count {
            let passesToo = passed.count > range.limit && passed[range.limit].place == place + 1
            if !passesToo { page.lastSequence = candidates.changes[place + 1].sequence }
        } else if !candidates.isExhausted {
            var beyond = range
            beyond.start = page.position
            let next = try read { snapshot in try snapshot.candidates(beyond, limit: 1) }
            if let change = next.changes.first, next.passed(try await filter.passes(next)).isEmpty {
                page.lastSequence = change.sequence
            }
        } else {
            page.isExhausted = true
        }
        return page
    }
}

extension Snapshot {
    /// The documents of the next changes, so many or about a mebibyte of them.
    fileprivate borrowing func candidates(_ range: ChangesRange, limit: Int) throws -> ChangeCandidates {
        var candidates = ChangeCandidates()
        var cursor = try changesCursor()
        let isDescending = range.isDescending
        var found = try isDescending ? cursor.seek(before: range.start) : cursor.seek(after: range.start)
        while found, candidates.changes.count < limit, candidates.bytes.count < 1 << 20 {
            let id = cursor.id
            candidates.changes.append((cursor.sequence, id, candidates.texts.count))
            try append(id, range.includesAllLeaves, &candidates)
            found = try isDescending ? cursor.previous() : cursor.next()
        }
        candidates.isExhausted = !found
        return candidates
    }

    private borrowing func append(
        _ id: DocumentID,
        _ includesAllLeaves: Bool,
        _ candidates: inout ChangeCandidates
    ) throws {
        guard let record = try document(id) else { return }
        let tree = record.head
        let leaves = includesAllLeaves ? tree.leaves : tree.winner.map { [$0] } ?? []
        var options = DocumentOptions.recentRevisions
        if !includesAllLeaves { options.insert(.conflicts) }
        for leaf in leaves {
            let start = candidates.bytes.count
            let isThere = try append(
                id,
                tree,
                node: leaf,
                sequence: record.sequence,
                options,
                to: &candidates.bytes
            )
            guard isThere else { continue }
            candidates.texts.append(start..<candidates.bytes.count)
            candidates.revisions.append(tree.nodes[leaf].revision)
        }
    }
}
