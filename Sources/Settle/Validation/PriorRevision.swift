// What an edit replaces, as validators are shown it.
//
//     interactive, on a leaf                 that leaf
//     interactive, a new document            nothing; also where a deleted one comes back
//     interactive, anything else             a conflict: nobody is asked
//     replicated, a new revision             its nearest ancestor whose body is stored, or nothing
//     replicated, a revision that is known   known: nobody is asked
//
// It is looked up twice: in the snapshot from which the validators are asked, and in the transaction that writes. If both
// agree, the verdict stands, whatever else has happened in between: a revision's content never changes.

import SettleCore
import SettleStorage

/// What an edit replaces.
enum PriorRevision: Hashable, Sendable {
    case nothing
    case revision(RevisionID)
    case conflict
    case known
}

extension ReadTransaction {
    /// What an edit would replace now.
    borrowing func prior(of edit: DocumentEdit, _ tables: Tables) throws -> PriorRevision {
        guard let record = try record(edit.id, tables) else {
            if case .interactive(parent: .some) = edit.kind { return .conflict }
            return .nothing
        }
        switch edit.kind {
        case .interactive(nil):
            return record.isDeleted && !edit.isDeleted ? .nothing : .conflict
        case .interactive(let parent?):
            guard !record.isDeleted, let index = record.head.index(of: parent), record.head.isLeaf(index)
            else { return .conflict }
            return .revision(parent)
        case .replicated(let path):
            let tree = try tree(of: record, tables)
            if let newest = path.first, tree.contains(newest) { return .known }
            for revision in path.dropFirst() {
                guard let index = tree.index(of: revision) else { continue }
                for ancestor in tree.path(from: index) where try hasBody(tree.nodes[ancestor], tables) {
                    return .revision(tree.nodes[ancestor].revision)
                }
                return .nothing
            }
            return .nothing
        }
    }

    /// Whether a revision's content is stored.
    private borrowing func hasBody(_ node: RevisionNode, _ tables: Tables) throws -> Bool {
        if node.body == BodyNumber.empty { return true }
        return try node.body >= BodyNumber.first && value(tables.bodies, node.body) != nil
    }
}

extension Update {
    /// Whether what the writers of these edits were told still holds.
    func holds(_ clearance: WriteClearance, for edits: [DocumentEdit]) throws -> Bool {
        guard clearance.rules == RulesVersion(incarnation: incarnation, number: state.rulesVersion) else {
            return false
        }
        for (edit, prior) in zip(edits, clearance.priors) where prior != nil {
            guard try transaction.reading.prior(of: edit, tables) == prior else { return false }
        }
        return true
    }

    /// Notes that the rules for writing have changed if this is a design document.
    mutating func noteRules(_ id: DocumentID) {
        if id.bytes.first == UInt8(ascii: "_"), id.isDesign { state.rulesVersion += 1 }
    }
}
