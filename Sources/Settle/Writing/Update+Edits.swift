// Writing documents: what an edit does to the tree is decided first, then every table is brought in step.

import SettleCore
import SettleStorage

extension Update {
    /// Writes a batch in order of id: CouchDB numbers the updates of a batch so, and each page is touched once.
    mutating func apply(_ edits: [DocumentEdit]) throws -> [EditOutcome] {
        guard edits.count > 1 else { return try edits.map { edit throws in try apply(edit) } }
        let order = Self.orderByID(edits)
        var outcomes = [EditOutcome](repeating: .failed(SettleError(.conflict)), count: edits.count)
        for index in order {
            outcomes[index] = try apply(edits[index])
        }
        return outcomes
    }

    /// The places of the edits in order of id, those of one document as they came.
    ///
    /// Eight bytes decide nearly always, and comparing numbers touches no reference counts.
    private static func orderByID(_ edits: [DocumentEdit]) -> [Int] {
        edits.indices.map { place in
            let id = edits[place].id.bytes
            var start: UInt64 = 0
            for byte in id.prefix(8) { start = start << 8 | UInt64(byte) }
            return (start << UInt64(8 * max(0, 8 - id.count)), place)
        }.sorted { (left: (start: UInt64, place: Int), right: (start: UInt64, place: Int)) in
            if left.start != right.start { return left.start < right.start }
            let (first, second) = (edits[left.place].id, edits[right.place].id)
            return first != second ? first < second : left.place < right.place
        }.map(\.1)
    }

    private mutating func apply(_ edit: DocumentEdit) throws -> EditOutcome {
        guard edit.body.count <= options.maximumDocumentSize else {
            return .failed(SettleError(.documentTooLarge, edit.id.text))
        }
        let stored = try transaction.reading.record(edit.id, tables)
        switch edit.kind {
        case .interactive(let parent): return try extend(stored, with: edit, parent: parent)
        case .replicated(let path): return try merge(path, of: edit, into: stored)
        }
    }

    /// An interactive edit: it must continue a leaf, start a document, or bring a deleted one back.
    private mutating func extend(
        _ stored: DocumentRecord?,
        with edit: DocumentEdit,
        parent: RevisionID?
    ) throws -> EditOutcome {
        var parentIndex: Int?
        if let stored {
            let leaf: Int?
            if let parent {
                leaf = stored.isDeleted ? nil : stored.head.index(of: parent)
            } else {
                leaf = stored.isDeleted && !edit.isDeleted ? stored.head.winner : nil
            }
            guard let leaf else { return .failed(SettleError(.conflict)) }
            parentIndex = leaf
        } else if parent != nil {
            return .failed(SettleError(.conflict))
        }
        let before = parentIndex.flatMap { stored?.head.nodes[$0] }
        var attachments: [Attachment] = []
        if !edit.attachments.isEmpty {
            // A conflict comes before whatever is wrong with stubs.
            if let stored, let parentIndex, !stored.head.leaves.contains(parentIndex) {
                return .failed(SettleError(.conflict))
            }
            do throws(MissingStub) {
                let generation = (before?.generation ?? 0) + 1
                attachments = try resolve(
                    edit,
                    generation: generation,
                    ancestor: parent == nil ? nil : before
                )
            } catch {
                return .failed(IncomingAttachment.missingStub(error.name, in: edit.id))
            }
        }
        var revision = edit.revision
        if parent != before?.revision || attachments.count > edit.newAttachments {
            let digest = try edit.digest(parent: before?.revision, attachments: attachments)
            revision = RevisionID((before?.generation ?? 0) + 1, digest)
        }
        var record = stored ?? Self.newRecord
        let content = content(of: edit, attachments)
        guard record.head.extend(parentIndex, with: revision, content) != nil else {
            return .failed(SettleError(.conflict))
        }
        try putBody(edit, attachments)
        try put(edit.id, before: stored, after: &record)
        return .written(revision)
    }

    /// A replicated edit: whatever is new of its path joins the tree.
    private mutating func merge(
        _ path: [RevisionID],
        of edit: DocumentEdit,
        into stored: DocumentRecord?
    ) throws -> EditOutcome {
        var record = stored ?? Self.newRecord
        if record.head.needsTrunk(path: path) {
            record.head = try transaction.reading.tree(of: record, tables)
        }
        guard let revision = path.first else {
            return .failed(SettleError(.badRequest, DocumentEdit.needsRevision))
        }
        var attachments: [Attachment] = []
        if !edit.attachments.isEmpty {
            // A revision that is here already is not looked at, whatever its stubs say.
            if let known = record.head.index(of: revision),
                record.head.nodes[known].body != BodyNumber.missing
            {
                return .written(revision)
            }
            let ancestor = try storedAncestor(path, of: edit, record)
            do throws(MissingStub) {
                attachments = try resolve(edit, generation: nil, ancestor: ancestor)
            } catch {
                return .failed(IncomingAttachment.missingStub(error.name, in: edit.id))
            }
        }
        let outcome = record.head.merge(path: path, content(of: edit, attachments))
        guard outcome.hasChanged else { return .written(revision) }
        if outcome.tookContent { try putBody(edit, attachments) }
        // A tree that was made whole is written whole again: `put` folds it anew.
        if let trunk = stored?.head.trunkGenerations, record.head.trunkGenerations == nil {
            try dropHistory(record.number, trunk)
        }
        try put(edit.id, before: stored, after: &record)
        return .written(revision)
    }

    private static var newRecord: DocumentRecord {
        DocumentRecord(number: 0, sequence: 0, head: RevisionTree())
    }

    /// What the tree keeps of an edit whose body is about to get the next number.
    private func content(of edit: DocumentEdit, _ attachments: [Attachment]) -> RevisionContent {
        let hasRow = edit.body.count > 2 || !attachments.isEmpty
        return RevisionContent(
            isDeleted: edit.isDeleted,
            body: hasRow ? state.nextBody : BodyNumber.empty,
            bodySize: UInt64(AttachedBody.size(edit.body, attachments)),
            sequence: state.sequence + 1
        )
    }

    /// Stores a body under the next number, but for `{}` without attachments, which needs no row.
    private mutating func putBody(_ edit: DocumentEdit, _ attachments: [Attachment]) throws {
        guard edit.body.count > 2 || !attachments.isEmpty else { return }
        let number = state.nextBody
        state.nextBody += 1
        if !attachments.isEmpty { try useBlobs(attachments, of: edit) }
        AttachedBody.encode(edit.body, attachments, into: &scratch)
        try transaction.put(tables.bodies, number, scratch, append: true)
    }
}

extension Update {
    /// Brings every table in step with a document's new tree, under the next sequence.
    mutating func put(_ id: DocumentID, before: DocumentRecord?, after: inout DocumentRecord) throws {
        try put(id, before: before, wasLive: before.map { !$0.isDeleted }, after: &after)
    }

    /// The same where `before` does not tell whether the document was live.
    mutating func put(
        _ id: DocumentID,
        before: DocumentRecord?,
        wasLive: Bool?,
        after: inout DocumentRecord
    ) throws {
        state.sequence += 1
        edits += 1
        hasChanges = true
        noteRules(id)
        let newBody = state.nextBody > bodiesBefore ? state.nextBody - 1 : BodyNumber.missing
        bodiesBefore = state.nextBody
        after.sequence = state.sequence
        if after.number == 0 {
            after.number = state.nextDocument
            state.nextDocument += 1
        }
        try stem(&after)
        try accountBodies(before: before, after: after, newBody: newBody)
        if !blobsOfEdit.isEmpty { blobsOfEdit.removeAll() }
        try fold(&after)
        if let before {
            _ = try transaction.delete(tables.changes, before.sequence)
            sequenceCounts.add(-1, at: before.sequence)
        }
        ChangeRow.encode(after, id, into: &scratch)
        try transaction.put(tables.changes, after.sequence, scratch, append: true)
        sequenceCounts.add(1, at: after.sequence)
        accountDocument(id, wasLive: wasLive, isLive: !after.isDeleted)
        try transaction.put(tables.documents, id.bytes, after.encoded())
    }

    /// Keeps the numbers of live and deleted documents; nil: there is no such document.
    mutating func accountDocument(_ id: DocumentID, wasLive: Bool?, isLive: Bool?) {
        guard wasLive != isLive else { return }
        if wasLive == true { state.documentCount -= 1 }
        if wasLive == false { state.deletedCount -= 1 }
        if isLive == true { state.documentCount += 1 }
        if isLive == false { state.deletedCount += 1 }
        let delta = (isLive == true ? 1 : 0) - (wasLive == true ? 1 : 0)
        if delta != 0 { documentCounts.add(delta, at: id.bytes) }
    }

    /// Notes the bodies that are no leaf's any more, and keeps the sizes.
    private mutating func accountBodies(
        before: DocumentRecord?,
        after: DocumentRecord,
        newBody: UInt64
    ) throws {
        guard let before else {
            for node in after.head.nodes where node.body >= BodyNumber.first {
                state.liveBytes += node.bodySize
            }
            return
        }
        let kept = after.head.leaves.map { after.head.nodes[$0] }
        let known = before.head.leaves.map { before.head.nodes[$0] }
        let keptBodies = Set(kept.map(\.body))
        let knownBodies = Set(known.map(\.body))
        var superseded = SupersededRow()
        for node in known where node.body >= BodyNumber.first && !keptBodies.contains(node.body) {
            try supersede(node, &superseded)
            state.liveBytes -= min(node.bodySize, state.liveBytes)
        }
        for node in kept where node.body >= BodyNumber.first && !knownBodies.contains(node.body) {
            state.liveBytes += node.bodySize
        }
        // A body that came late, for a revision that has been edited since, is no leaf's from the start.
        if newBody >= BodyNumber.first, !keptBodies.contains(newBody),
            let node = after.head.nodes.first(where: { $0.body == newBody })
        {
            try supersede(node, &superseded)
        }
        if !superseded.bodies.isEmpty {
            try transaction.put(tables.superseded, state.sequence, superseded.encoded, append: true)
        }
    }
    /// Notes a body that no leaf has any more, with the bytes that go when it is forgotten.
    private mutating func supersede(_ node: RevisionNode, _ row: inout SupersededRow) throws {
        let size = node.bodySize + (try blobBytes(onlyOf: node))
        row.bodies.append((node.body, size))
        state.supersededBytes += size
    }
}
