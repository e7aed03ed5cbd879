// A random document history, told as CouchDB's peers tell it, and the tree it must give, worked out the slow way.
//
// Every revision has one parent, and its content follows from its name, so the same revision is the same wherever it
// comes from: the histories honest peers have.

import SettleCore
import SettleTestSupport

/// A path as a peer sends it, newest first, and what the revision says.
struct Arrival: Hashable {
    var path: [RevisionID]
    var content: RevisionContent
}

struct RandomHistory {
    /// The revisions there are anywhere; `parent` is the index of one that comes earlier, or -1.
    private(set) var all: [(revision: RevisionID, parent: Int)] = []
    /// What some peer sends of them, in some order.
    private(set) var arrivals: [Arrival] = []

    /// `isLinear` gives histories with few forks.
    init(seed: UInt64, revisions: Int, arrivals count: Int, isLinear: Bool = false) {
        var random = SeededGenerator(seed: seed)
        for index in 0..<revisions {
            let isRoot = index == 0 || Int.random(in: 0..<12, using: &random) == 0 && !isLinear
            let fork = Int.random(in: 0..<index + 1, using: &random)
            let isFork = Int.random(in: 0..<(isLinear ? 20 : 2), using: &random) == 0
            let parent = isRoot ? -1 : isFork ? min(fork, index - 1) : index - 1
            let generation =
                parent < 0 ? UInt64.random(in: 1...3, using: &random) : all[parent].revision.generation + 1
            all.append((RevisionID(generation, Self.digest(&random, index)), parent))
        }
        for _ in 0..<count {
            let head =
                isLinear
                ? revisions - 1 - Int.random(in: 0..<revisions, using: &random) / 2
                : Int.random(in: 0..<revisions, using: &random)
            let length = Int.random(in: 1...revisions, using: &random)
            let isWhole = Bool.random(using: &random)
            arrivals.append(arrival(of: head, ancestors: isWhole ? revisions : length))
        }
    }

    /// A digest, or one time in four a text as a peer may make it up; no two alike.
    private static func digest(_ random: inout SeededGenerator, _ index: Int) -> RevisionDigest {
        guard Int.random(in: 0..<4, using: &random) == 0 else {
            return RevisionDigest(high: random.next(), low: UInt64(index))
        }
        return RevisionDigest(bytes: Array("\(Int.random(in: 0..<9, using: &random))-\(index)".utf8))
    }

    /// The path of a revision, cut to a number of names, with content that follows from the revision.
    func arrival(of index: Int, ancestors: Int) -> Arrival {
        var path: [RevisionID] = []
        var next = index
        while next >= 0, path.count < ancestors {
            path.append(all[next].revision)
            next = all[next].parent
        }
        return Arrival(path: path, content: Self.content(of: index))
    }

    private static func content(of index: Int) -> RevisionContent {
        RevisionContent(
            isDeleted: index % 3 == 1,
            body: UInt64(index + 1),
            bodySize: UInt64(index * 7),
            sequence: 9
        )
    }

    /// The tree that the arrivals make, in the order given.
    static func tree(_ arrivals: [Arrival]) -> RevisionTree {
        var tree = RevisionTree()
        for arrival in arrivals { tree.merge(path: arrival.path, arrival.content) }
        return tree
    }

    var tree: RevisionTree { Self.tree(arrivals) }

    /// The tree that the arrivals must make: every name told of, every descent told of, every content sent.
    static func reference(_ arrivals: [Arrival]) -> NaiveTree {
        var naive = NaiveTree()
        for arrival in arrivals {
            for (step, revision) in arrival.path.enumerated() {
                if naive.contents[revision] == nil { naive.contents.updateValue(nil, forKey: revision) }
                if step > 0 { naive.parents[arrival.path[step - 1]] = revision }
            }
            naive.contents[arrival.path[0]] = arrival.content
        }
        return naive
    }
}

/// A tree as two dictionaries: slow, and obviously right.
struct NaiveTree: Hashable {
    /// All revisions; nil for those that are missing.
    var contents: [RevisionID: RevisionContent?] = [:]
    var parents: [RevisionID: RevisionID] = [:]

    init() {}

    init(_ tree: RevisionTree) {
        for node in tree.nodes {
            contents[node.revision] = .some(node.body == 0 ? nil : node.content)
            if node.parent >= 0 { parents[node.revision] = tree.nodes[node.parent].revision }
        }
    }

    var leaves: Set<RevisionID> { Set(contents.keys).subtracting(parents.values) }

    func isDeleted(_ revision: RevisionID) -> Bool { contents[revision]??.isDeleted ?? false }

    /// The winner first, by CouchDB's rule.
    var sortedLeaves: [RevisionID] {
        leaves.sorted { left, right in
            if isDeleted(left) != isDeleted(right) { return isDeleted(right) }
            if left.generation != right.generation { return left.generation > right.generation }
            return right.digest.bytes.lexicographicallyPrecedes(left.digest.bytes)
        }
    }

    func path(from revision: RevisionID) -> [RevisionID] {
        var path = [revision]
        while let last = path.last, let parent = parents[last] { path.append(parent) }
        return path
    }

    /// The same tree with only some of its revisions.
    func keeping(_ kept: Set<RevisionID>) -> NaiveTree {
        var result = NaiveTree()
        result.contents = contents.filter { kept.contains($0.key) }
        result.parents = parents.filter { kept.contains($0.key) && kept.contains($0.value) }
        return result
    }

    func stemmed(to limit: Int) -> NaiveTree {
        keeping(Set(leaves.flatMap { path(from: $0).prefix(limit) }))
    }

    func purged(_ revisions: [RevisionID]) -> NaiveTree {
        keeping(Set(leaves.subtracting(revisions).flatMap { path(from: $0) }))
    }
}

extension RevisionTree {
    func names(_ indices: [Int]) -> [String] { indices.map { nodes[$0].revision.text } }

    /// Checks what every tree must be: canonical order, parents before children and one generation below.
    var isWellFormed: Bool {
        nodes.indices.allSatisfy { index in
            let node = nodes[index]
            if index > 0, nodes[index - 1].revision >= node.revision { return false }
            return node.parent < 0
                || node.parent < index && nodes[node.parent].generation + 1 == node.generation
        }
    }
}

/// Revisions from their texts; a misspelt one is left out, and the test that needs it fails.
func revisions(_ texts: String...) -> [RevisionID] { texts.compactMap { RevisionID($0) } }

/// A tree from paths `3-c 2-b 1-a`, the bodies numbered from 1; a path that begins with `x` brings a deleted revision.
func tree(_ paths: String...) -> RevisionTree {
    var tree = RevisionTree()
    for (index, path) in paths.enumerated() { tree.merge(path, body: UInt64(index + 1)) }
    return tree
}

extension RevisionTree {
    @discardableResult
    mutating func merge(_ path: String, body: UInt64) -> MergeOutcome {
        let words = path.split(separator: " ")
        let isDeleted = words.first == "x"
        return merge(
            path: words.dropFirst(isDeleted ? 1 : 0).compactMap { RevisionID(String($0)) },
            RevisionContent(isDeleted: isDeleted, body: body, bodySize: 2, sequence: body)
        )
    }

    /// The body of a revision; nil if the revision is unknown.
    func body(_ text: String) -> UInt64? {
        RevisionID(text).flatMap { index(of: $0) }.map { nodes[$0].body }
    }

    /// The names on the way from a revision to its root.
    func history(_ text: String) -> [String] {
        RevisionID(text).flatMap { index(of: $0) }.map { names(path(from: $0)) } ?? []
    }
}
