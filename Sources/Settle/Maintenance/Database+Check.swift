// The consistency checker: every table against every other, on one snapshot.
//
// It ships with the product (`settle check`) and runs over every database that the tests leave behind. It knows what
// the writer must keep true, and says in one line each where that isn't so.

public import SettleCore
import SettleStorage

extension Database {
    /// Looks at everything and returns what is wrong; empty if nothing is.
    ///
    /// Others may read and write meanwhile, and compact the database.
    public func check() throws(SettleError) -> [String] {
        try read { snapshot in
            var check = ConsistencyCheck()
            try check.documents(snapshot)
            try check.changes(snapshot)
            try check.bodies(snapshot)
            try check.counts(snapshot)
            try BlobCheck.run(snapshot, uses: check.blobUses) { check.find($0) }
            return check.findings
        }
    }
}

/// What has been seen so far, and what of it is wrong.
private struct ConsistencyCheck {
    private(set) var findings: [String] = []
    private var live: UInt64 = 0
    private var deleted: UInt64 = 0
    private var liveBytes: UInt64 = 0
    private var numbers: Set<UInt64> = []
    private var leafBodies: [UInt64: UInt64] = [:]
    private var historyRows = 0
    /// What the bodies say of blobs.
    private(set) var blobUses: [BlobKey: BlobUse] = [:]

    /// More findings than this help nobody.
    private static let limit = 100

    mutating func find(_ finding: String) {
        if findings.count < Self.limit { findings.append(finding) }
    }

    // MARK: docs and history

    mutating func documents(_ snapshot: borrowing Snapshot) throws {
        let state = try snapshot.state
        var cursor = try snapshot.documentCursor()
        var previous: DocumentID?
        while try cursor.next() {
            let id = cursor.id
            if let previous, previous >= id { find("docs: \(id) does not come after \(previous)") }
            previous = id
            guard let record = try snapshot.document(id) else {
                find("docs: \(id) is listed but not found")
                continue
            }
            try document(id, record, snapshot)
        }
        if live != state.documentCount { find("state: \(state.documentCount) documents, \(live) found") }
        if deleted != state.deletedCount { find("state: \(state.deletedCount) deleted, \(deleted) found") }
        if liveBytes != state.liveBytes { find("state: \(state.liveBytes) live bytes, \(liveBytes) found") }
        let rows = try snapshot.transaction.count(snapshot.tables.history)
        if rows != historyRows { find("history: \(rows) rows, \(historyRows) belong to documents") }
    }

    private mutating func document(
        _ id: DocumentID,
        _ record: DocumentRecord,
        _ snapshot: borrowing Snapshot
    ) throws {
        let state = try snapshot.state
        if record.isDeleted { deleted += 1 } else { live += 1 }
        if !numbers.insert(record.number).inserted { find("\(id): number \(record.number) is another's too") }
        if record.number >= state.nextDocument { find("\(id): number \(record.number) was never given out") }
        if let trunk = record.head.trunkGenerations {
            let chunks = HistoryChunk.index(of: trunk.lowerBound)...HistoryChunk.index(of: trunk.upperBound)
            historyRows += chunks.count
        }
        let tree = try snapshot.tree(of: record)
        guard !tree.isEmpty else { return find("\(id): no revisions") }
        for node in tree.nodes where node.parent >= 0 {
            let parent = tree.nodes[node.parent]
            if parent.revision.generation + 1 != node.revision.generation {
                find("\(id): \(node.revision) follows \(parent.revision)")
            }
        }
        for leaf in tree.leaves {
            let node = tree.nodes[leaf]
            if node.body >= BodyNumber.first {
                liveBytes += node.bodySize
                leafBodies[node.body] = node.bodySize
            } else if node.body == BodyNumber.missing {
                find("\(id): leaf \(node.revision) has no body")
            }
        }
        try change(id, record, snapshot)
    }

    /// The document's row in `changes` says the same as its row in `docs`.
    private mutating func change(
        _ id: DocumentID,
        _ record: DocumentRecord,
        _ snapshot: borrowing Snapshot
    ) throws {
        guard let row = try snapshot.transaction.bytes(snapshot.tables.changes, record.sequence) else {
            return find("\(id): no change \(record.sequence)")
        }
        var expected: [UInt8] = []
        ChangeRow.encode(record, id, into: &expected)
        if row != expected { find("\(id): change \(record.sequence) says something else") }
    }

    // MARK: changes

    mutating func changes(_ snapshot: borrowing Snapshot) throws {
        let rows = try snapshot.transaction.count(snapshot.tables.changes)
        if UInt64(rows) != live + deleted { find("changes: \(rows) rows for \(live + deleted) documents") }
        var cursor = try snapshot.changesCursor()
        if try cursor.last() {
            let sequence = try snapshot.state.sequence
            if cursor.sequence > sequence { find("changes: \(cursor.sequence) is beyond \(sequence)") }
        }
        let pending = try snapshot.changes(after: 0)
        if pending != rows { find("counts: \(pending) changes counted, \(rows) found") }
    }

    // MARK: bodies and superseded

    mutating func bodies(_ snapshot: borrowing Snapshot) throws {
        let state = try snapshot.state
        var kept = leafBodies
        var supersededBytes: UInt64 = 0
        do {
            var cursor = try snapshot.transaction.cursor(snapshot.tables.superseded)
            while try cursor.next() {
                for body in try SupersededRow(decoding: cursor.value).bodies {
                    if leafBodies[body.number] != nil { find("superseded: body \(body.number) is a leaf's") }
                    kept[body.number] = body.size
                    supersededBytes += body.size
                }
            }
        }
        if supersededBytes != state.supersededBytes {
            find("state: \(state.supersededBytes) superseded bytes, \(supersededBytes) found")
        }
        var cursor = try snapshot.transaction.cursor(snapshot.tables.bodies)
        while try cursor.next() {
            let number = cursor.integerKey
            if number >= state.nextBody { find("bodies: \(number) was never given out") }
            guard let size = kept.removeValue(forKey: number) else {
                find("bodies: \(number) belongs to nothing")
                continue
            }
            try body(number, [UInt8](cursor.value), size: size)
        }
        for number in kept.keys where leafBodies[number] != nil { find("bodies: \(number) is missing") }
    }

    /// One body: its size, its attachments, its text.
    private mutating func body(_ number: UInt64, _ row: [UInt8], size: UInt64) throws {
        let attached: AttachedBody?
        do {
            attached = try AttachedBody(decoding: row.span)
        } catch {
            return find("bodies: \(number) has a damaged table of attachments")
        }
        for attachment in attached?.attachments ?? [] {
            blobUses[attachment.blob, default: BlobUse()].note(attachment)
        }
        // A superseded body with attachments counts for those that only it had, too.
        let isExact = attached == nil || leafBodies[number] != nil
        if isExact ? row.count != Int(size) + 1 : row.count > Int(size) + 1 {
            find("bodies: \(number) has \(row.count) bytes, not \(size + 1)")
        } else if (try? JSONValue(parsing: row, in: attached?.text ?? 1..<row.count)) == nil {
            find("bodies: \(number) is not JSON")
        }
    }

    // MARK: counts

    mutating func counts(_ snapshot: borrowing Snapshot) throws {
        let blocks = try DocumentCounts(snapshot.transaction, snapshot.tables.counts)
        var found = [Int](repeating: 0, count: blocks.counts.count)
        var cursor = try snapshot.documentCursor()
        while try cursor.next() {
            if !cursor.isDeleted { found[blocks.block(of: cursor.id.bytes)] += 1 }
        }
        for (block, count) in found.enumerated() where blocks.counts[block] != count {
            find("counts: block \(block) of ids counts \(blocks.counts[block]), \(count) found")
        }
    }
}
