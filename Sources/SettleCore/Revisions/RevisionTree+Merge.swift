// How revisions enter a tree.
//
// A replicated revision arrives with a path: its own name and those of its ancestors, newest first, as far as the sender
// knows them.
//
//     tree  1-a ── 2-b          path 4-d 3-c 2-b       gives 1-a ── 2-b ── 3-c ── 4-d      (3-c is missing: no body)
//     tree  3-c ── 4-d          path 3-c 2-b 1-a       gives 1-a ── 2-b ── 3-c ── 4-d      (grows downwards)
//     tree  1-a ── 2-b , 4-d    path 4-d 3-c 2-b       gives one line again                (joins two pieces)
//
// The rules are those of CouchDB's trees (merge, then stem, which mends what merging left twice):
// - a revision that had no body takes the one that arrives, even deep inside the tree;
// - a revision that has a body keeps it; the same revision arriving again changes nothing,
// - except where its path joins its piece to an older one: there the arriving body takes the place of the stored one.
//   Both are the same revision, so this shows only if a peer lies about its bodies, but CouchDB does it and so do we.
//
// The subtle thing: an outcome `known` may still have changed the tree (a body filled in, ancestors learned). What
// decides whether the document gets a new update sequence is `hasChanged`, never the kind.

/// What a merge did.
package struct MergeOutcome: Hashable, Sendable {
    /// Where the revision went.
    package enum Kind: Hashable, Sendable {
        /// It extends what was a leaf, or is the first revision of all. The only kind an interactive edit may have.
        case newLeaf
        /// It starts a branch: a conflict, unless it is deleted.
        case newBranch
        /// It was in the tree already.
        case known
    }

    /// Where the revision went.
    package let kind: Kind
    /// Whether the tree is another than before; if so the document needs a new update sequence.
    package let hasChanged: Bool
    /// Whether the tree now refers to the content that came along; if not, its body needn't be stored.
    package let tookContent: Bool
    /// The number of a body that was replaced and that the tree refers to no more; 0 if there is none.
    package let replacedBody: UInt64

    static let unchanged = MergeOutcome(kind: .known, hasChanged: false, tookContent: false, replacedBody: 0)
}

extension RevisionTree {
    /// Takes in a replicated revision: `path` names it and its known ancestors, newest first, `content` is its own.
    ///
    /// A path is read as far as its generations fall by one and it doesn't contradict the tree. On a tree with a
    /// detached trunk, `needsTrunk(path:)` must be false.
    @discardableResult
    package mutating func merge(path: [RevisionID], _ content: RevisionContent) -> MergeOutcome {
        precondition(!needsTrunk(path: path), "this merge needs the tree's detached trunk")
        let places = locate(path)
        guard let first = places.first else { return .unchanged }
        let plan = MergePlan(places, in: self)
        let oldBody = first < 0 ? 0 : nodes[first].body
        let takesContent = first < 0 || content.body != 0 && (oldBody == 0 || plan.joinsPieces)
        if plan.addsNodes || plan.growsRoot {
            connect(path, places)
        }
        // The revision may have moved: others were inserted before it.
        if takesContent, let index = index(of: path[0]) {
            nodes[index].content = content
        }
        return MergeOutcome(
            kind: plan.kind,
            hasChanged: takesContent || plan.addsNodes || plan.growsRoot,
            tookContent: takesContent,
            replacedBody: takesContent && oldBody != content.body ? oldBody : 0
        )
    }

    /// Takes in an edit of a leaf, or the first revision of all (`parent` nil); returns where it stands now.
    ///
    /// Nil, with nothing changed, if the edit is a conflict: the parent isn't a leaf, there are revisions already and no
    /// parent was named, or the revision exists.
    @discardableResult
    package mutating func extend(_ parent: Int?, with revision: RevisionID, _ content: RevisionContent)
        -> Int?
    {
        guard let parent else {
            guard nodes.isEmpty else { return nil }
            nodes.append(RevisionNode(revision, content))
            return 0
        }
        guard isLeaf(parent), revision.isOneAbove(nodes[parent].revision) else { return nil }
        if let existing = index(of: revision), nodes[existing].parent >= 0 { return nil }
        merge(path: [revision, nodes[parent].revision], content)
        return index(of: revision)
    }

    /// For each revision of a path, its index or -1 if it is unknown; ends where the path can't be believed any more.
    func locate(_ path: [RevisionID]) -> [Int] {
        var places: [Int] = []
        places.reserveCapacity(path.count)
        for (step, revision) in path.enumerated() {
            guard let child = places.last else {
                places.append(index(of: revision) ?? -1)
                continue
            }
            guard path[step - 1].isOneAbove(revision) else { break }
            if child >= 0, nodes[child].parent >= 0 {
                let parent = nodes[child].parent
                guard nodes[parent].revision == revision else { break }
                places.append(parent)
            } else if child == 0, trunkLength > 0 {
                // What follows lies in the trunk.
                break
            } else {
                places.append(index(of: revision) ?? -1)
            }
        }
        return places
    }

    /// Adds the unknown revisions of a located path, as missing, and makes each revision the child of its successor.
    private mutating func connect(_ path: [RevisionID], _ located: [Int]) {
        var places = located
        // Generations fall along the path, so backwards it is in canonical order.
        let added = places.indices.reversed().filter { places[$0] < 0 }
        if let lowest = added.first, let last = nodes.last?.revision, path[lowest] < last {
            let oldToNew = insert(added.map { path[$0] })
            for step in places.indices {
                places[step] = places[step] < 0 ? index(of: path[step]) ?? -1 : oldToNew[places[step]]
            }
        } else {
            for step in added {
                places[step] = nodes.count
                nodes.append(RevisionNode(path[step]))
            }
        }
        for step in places.indices.dropLast() where nodes[places[step]].parent < 0 {
            nodes[places[step]].parent = places[step + 1]
        }
    }

    /// Inserts roots, given in canonical order, and returns where each of the old nodes went.
    private mutating func insert(_ revisions: [RevisionID]) -> [Int] {
        var merged: [RevisionNode] = []
        merged.reserveCapacity(nodes.count + revisions.count)
        var oldToNew: [Int] = []
        oldToNew.reserveCapacity(nodes.count)
        var pending = revisions[...]
        for var node in nodes {
            while let next = pending.first, next < node.revision {
                merged.append(RevisionNode(next))
                pending.removeFirst()
            }
            oldToNew.append(merged.count)
            if node.parent >= 0 { node.parent = oldToNew[node.parent] }
            merged.append(node)
        }
        merged.append(contentsOf: pending.map { RevisionNode($0) })
        nodes = merged
        return oldToNew
    }
}

/// What merging a located path will do, told from the tree as it was before.
private struct MergePlan {
    /// Where the revision goes.
    let kind: MergeOutcome.Kind
    /// Whether some revision of the path is new.
    let addsNodes: Bool
    /// Whether a root gets a parent.
    let growsRoot: Bool
    /// Whether a root of the path's piece gets joined to another, older piece.
    let joinsPieces: Bool

    init(_ places: [Int], in tree: RevisionTree) {
        addsNodes = places.contains(-1)
        let grown = places.indices.dropLast().first { places[$0] >= 0 && tree.nodes[places[$0]].parent < 0 }
        growsRoot = grown != nil
        let base = grown.flatMap { root in places[(root + 1)...].first { $0 >= 0 } }
        joinsPieces = base != nil
        let isNew = places.first == -1
        // A known revision that gets joined counts as new where its older piece is extended, as in CouchDB.
        let ancestor = isNew ? places.first(where: { $0 >= 0 }) : base
        if let ancestor {
            kind = tree.isLeaf(ancestor) ? .newLeaf : .newBranch
        } else if isNew {
            kind = tree.isEmpty ? .newLeaf : .newBranch
        } else {
            kind = .known
        }
    }
}
