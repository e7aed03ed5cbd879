// A tree as bytes.
//
//     tree     varint: number of nodes · 2, plus 1 if there is a detached trunk
//              varint: length of the trunk                        only with a trunk
//              nodes in canonical order
//     node     byte: bit 0 deleted, bit 1 has content, bit 2 digest is a text,
//                    bits 3–4 descent: 0 child of the node before, 1 root, 2 child of another
//              varint: generation less that of the node before    only roots and children of others; the first node: all of it
//              varint: how many nodes before this its parent is   only children of others
//              16 bytes, or varint length and the bytes           digest
//              varint body, varint body size, varint sequence     only with content
//
// So a further revision of a line costs a byte, its digest, and its content; the usual tree of one node takes about 25 bytes.
//
// The subtle thing: there is one spelling per tree, and decoding refuses every other, as well as whatever isn't a
// tree: nodes out of order, parents of a wrong generation. Bytes that were damaged are an error, never a trap.

extension RevisionTree {
    /// Appends the bytes of this tree.
    package func append(to output: inout [UInt8]) {
        appendVarint(UInt64(nodes.count) << 1 | (trunkLength > 0 ? 1 : 0), to: &output)
        if trunkLength > 0 { appendVarint(UInt64(trunkLength), to: &output) }
        var previous: UInt64 = 0
        for (index, node) in nodes.enumerated() {
            let descent: Descent = node.parent < 0 ? .root : node.parent == index - 1 ? .next : .other
            var flags = descent.rawValue << Flags.descentShift
            if node.isDeleted { flags |= Flags.deleted }
            if node.hasContent { flags |= Flags.content }
            if node.revision.digest.other != nil { flags |= Flags.text }
            output.append(flags)
            if descent != .next { appendVarint(node.generation - previous, to: &output) }
            if descent == .other { appendVarint(UInt64(index - node.parent), to: &output) }
            node.revision.digest.appendBytes(to: &output)
            if node.hasContent {
                appendVarint(node.body, to: &output)
                appendVarint(node.bodySize, to: &output)
                appendVarint(node.sequence, to: &output)
            }
            previous = node.generation
        }
    }

    /// Reads the tree that begins at `position` and moves `position` behind it; throws if there is none.
    package init(decoding bytes: borrowing Span<UInt8>, at position: inout Int) throws(SettleError) {
        self.init()
        var reader = position
        guard let head = readVarint(bytes, at: &reader),
            // A node takes two bytes or more: a larger count is a lie that must not reserve memory.
            let count = Int(exactly: head >> 1), count <= (bytes.count - reader) / 2
        else { throw .damagedRevisionTree }
        if head & 1 == 1 {
            // No history is longer than 32 bits count, and sums with it can't overflow.
            guard let length = readVarint(bytes, at: &reader).flatMap({ Int32(exactly: $0) }), length > 0
            else {
                throw .damagedRevisionTree
            }
            trunkLength = Int(length)
        }
        nodes.reserveCapacity(count)
        for _ in 0..<count {
            guard let node = readNode(bytes, at: &reader) else { throw .damagedRevisionTree }
            nodes.append(node)
        }
        guard trunkIsPlausible else { throw .damagedRevisionTree }
        position = reader
    }

    /// Reads the tree that begins at `position` of an array; see the other form.
    package init(decoding bytes: [UInt8], at position: inout Int) throws(SettleError) {
        try self.init(decoding: bytes.span, at: &position)
    }

    /// Reads the node after those already read; nil if there is none that could follow them.
    private func readNode(_ bytes: borrowing Span<UInt8>, at position: inout Int) -> RevisionNode? {
        guard position < bytes.count else { return nil }
        let flags = bytes[position]
        position += 1
        guard let descent = Descent(rawValue: flags >> Flags.descentShift) else { return nil }
        let previous = nodes.last?.generation ?? 0

        var (generation, overflow) = (previous, false)
        var parent = -1
        if descent == .next {
            guard !nodes.isEmpty else { return nil }
            (generation, overflow) = previous.addingReportingOverflow(1)
            parent = nodes.count - 1
        } else {
            guard let step = readVarint(bytes, at: &position) else { return nil }
            (generation, overflow) = previous.addingReportingOverflow(step)
        }
        if descent == .other {
            guard let distance = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) }),
                distance > 1, distance <= nodes.count
            else { return nil }
            parent = nodes.count - distance
        }
        guard !overflow,
            let digest = RevisionDigest(decoding: bytes, at: &position, isText: flags & Flags.text != 0)
        else { return nil }
        let revision = RevisionID(generation, digest)
        if let last = nodes.last, last.revision >= revision { return nil }
        if parent >= 0, !revision.isOneAbove(nodes[parent].revision) { return nil }

        var content = RevisionContent.missing
        content.isDeleted = flags & Flags.deleted != 0
        if flags & Flags.content != 0 {
            guard let body = readVarint(bytes, at: &position), let size = readVarint(bytes, at: &position),
                let sequence = readVarint(bytes, at: &position), body | size | sequence != 0
            else { return nil }
            (content.body, content.bodySize, content.sequence) = (body, size, sequence)
        }
        return RevisionNode(revision, parent: parent, content)
    }

    /// Whether a trunk of that length fits below the first node, and no other root stands as low as that.
    private var trunkIsPlausible: Bool {
        guard trunkLength > 0 else { return true }
        guard let root = nodes.first, root.parent < 0, UInt64(trunkLength) <= root.generation else {
            return false
        }
        return nodes.dropFirst().allSatisfy { $0.parent >= 0 || $0.generation > root.generation }
    }
}

/// How a node hangs on those before it.
private enum Descent: UInt8 {
    case next, root, other
}

/// The bits of a node's first byte.
private enum Flags {
    static let deleted: UInt8 = 1
    static let content: UInt8 = 2
    static let text: UInt8 = 4
    static let descentShift: UInt8 = 3
}

extension RevisionNode {
    /// Whether anything besides the tombstone mark is known.
    fileprivate var hasContent: Bool { body | bodySize | sequence != 0 }
}

extension RevisionDigest {
    /// Appends 16 bytes, or another number of bytes after their count.
    fileprivate func appendBytes(to output: inout [UInt8]) {
        guard let other else {
            for half in [high, low] {
                for shift in stride(from: UInt64(56), through: 0, by: -8) {
                    output.append(UInt8(truncatingIfNeeded: half >> shift))
                }
            }
            return
        }
        appendVarint(UInt64(other.count), to: &output)
        output.append(contentsOf: other)
    }

    /// Reads what `appendBytes(to:)` appended; nil if there is something else.
    fileprivate init?(decoding bytes: borrowing Span<UInt8>, at position: inout Int, isText: Bool) {
        var count = 16
        if isText {
            // A text of 16 bytes is a digest and never written as a text.
            guard let length = readVarint(bytes, at: &position).flatMap({ Int(exactly: $0) }), length != 16
            else {
                return nil
            }
            count = length
        }
        guard count <= bytes.count - position else { return nil }
        var content: [UInt8] = []
        if isText {
            content.reserveCapacity(count)
            for index in position..<position + count { content.append(bytes[index]) }
            self.init(bytes: content)
        } else {
            var halves: (UInt64, UInt64) = (0, 0)
            for index in position..<position + 8 { halves.0 = halves.0 << 8 | UInt64(bytes[index]) }
            for index in position + 8..<position + 16 { halves.1 = halves.1 << 8 | UInt64(bytes[index]) }
            self.init(high: halves.0, low: halves.1)
        }
        position += count
    }
}
