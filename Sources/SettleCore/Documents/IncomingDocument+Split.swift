// Taking a document apart while it is read: body and term are written, special members only located.

extension IncomingDocument {
    /// What one pass over a document gives.
    struct Parts {
        /// The text in which the special members stand.
        var text: [UInt8]
        var body: [UInt8] = []
        var bodyTerm: [UInt8] = []
        /// Whether the value is an object at all.
        var isObject = false
        var id: Range<Int>?
        var revision: Range<Int>?
        var ancestry: Range<Int>?
        var isDeleted: Range<Int>?
        var attachments: Range<Int>?
        /// The first member that no document may have: where it stands, and its name.
        var unknown: (offset: Int, name: String)?
    }

    /// Takes the value that comes next apart; `capacity` is a guess at the length of its text.
    static func split(
        _ reader: inout JSONReader,
        makingTerm: Bool,
        capacity: Int
    ) throws(JSONError) -> Parts {
        guard try reader.kind() == .object else {
            _ = try reader.skip()
            return Parts(text: [])
        }
        let start = reader.scanner.position
        let parts = try reader.read { (scanner, depth) throws(JSONError) in
            var writer = CanonicalWriter(scanner, makesTerm: makingTerm, capacity: capacity)
            let parts = try split(&writer, depth: depth + 1)
            scanner.position = writer.scanner.position
            return writer.hasRepeatedNames ? nil : parts
        }
        if let parts { return parts }
        // A tree keeps the last of each name, so its text has no repetitions, in the order that counts.
        let tree = try JSONValue(parsing: reader.input, in: start..<reader.scanner.position).bytes
        var writer = CanonicalWriter(JSONScanner(tree), makesTerm: makingTerm, capacity: tree.count)
        return try split(&writer, depth: 1)
    }

    /// Takes the object at the position apart.
    ///
    /// A run goes on from one kept member to the next if nothing but a comma lies between them. Whatever else does is
    /// passed over by the scanner, not the writer: the run ends after the value before it, and the next kept member
    /// begins another, with a comma of its own.
    private static func split(_ writer: inout CanonicalWriter, depth: Int) throws(JSONError) -> Parts {
        var parts = Parts(text: writer.scanner.input, isObject: true)
        try writer.scanner.open(depth: depth)
        let term = writer.openObject()
        var names = writer.openNames()
        var count = 0
        var endOfRun = writer.scanner.position
        var isAtEnd = writer.scanner.next() == 0x7D
        while !isAtEnd {
            guard writer.scanner.next() == 0x22 else { throw writer.scanner.unexpected() }
            let start = writer.scanner.position
            let name = try writer.nameContent(of: &names)
            if let member = SpecialMember(name: writer.text(of: name)), member != .kept {
                writer.copy(upTo: endOfRun)
                if member == .unknown, parts.unknown == nil {
                    parts.unknown = (start, String(decoding: writer.text(of: name), as: UTF8.self))
                }
                guard writer.scanner.next() == 0x3A else { throw writer.scanner.unexpected() }
                writer.scanner.position += 1
                parts.locate(member, try writer.scanner.skipValue(depth: depth))
            } else {
                if start != endOfRun + (count > 0 ? 1 : 0) {
                    writer.copy(upTo: endOfRun)
                    if count > 0 { writer.appendToText(0x2C) }
                    writer.resume(from: start)
                }
                writer.writeName(name)
                try writer.moveToValue()
                _ = try writer.value(depth: depth)
                count += 1
                endOfRun = writer.scanner.position
            }
            let mark = writer.scanner.next()
            guard mark == 0x2C || mark == 0x7D else { throw writer.scanner.unexpected() }
            isAtEnd = mark == 0x7D
            if !isAtEnd { writer.scanner.position += 1 }
        }
        writer.copy(upTo: endOfRun)
        writer.appendToText(0x7D)
        writer.scanner.position += 1
        writer.closeObject(at: term, names, count: count)
        (parts.body, parts.bodyTerm) = writer.finish()
        return parts
    }
}

extension IncomingDocument.Parts {
    /// Notes where a special member's value stands.
    fileprivate mutating func locate(_ member: IncomingDocument.SpecialMember, _ value: Range<Int>) {
        switch member {
        case .id: id = value
        case .revision: revision = value
        case .ancestry: ancestry = value
        case .isDeleted: isDeleted = value
        case .attachments: attachments = value
        case .kept, .ignored, .unknown: break
        }
    }
}

extension IncomingDocument {
    /// What CouchDB makes of a top-level member whose name begins with an underscore.
    enum SpecialMember {
        case id, revision, ancestry, isDeleted, attachments
        /// Stays in the body.
        case kept
        /// Is what servers add to their answers, and says nothing about the document.
        case ignored
        /// Is an error.
        case unknown

        private static let all: [([UInt8], SpecialMember)] = {
            let names: [(String, SpecialMember)] = [
                ("_id", .id), ("_rev", .revision), ("_revisions", .ancestry), ("_deleted", .isDeleted),
                ("_attachments", .attachments),
                ("_revs_info", .ignored), ("_local_seq", .ignored), ("_conflicts", .ignored),
                ("_deleted_conflicts", .ignored),
                ("_access", .kept), ("_replication_state", .kept), ("_replication_state_time", .kept),
                ("_replication_state_reason", .kept), ("_replication_id", .kept),
                ("_replication_stats", .kept),
            ]
            return names.map { (Array($0.0.utf8), $0.1) }
        }()

        /// Looks a name up; nil if it doesn't begin with an underscore.
        init?(name: ArraySlice<UInt8>) {
            guard name.first == 0x5F else { return nil }
            self = Self.all.first { $0.0.count == name.count && name.elementsEqual($0.0) }?.1 ?? .unknown
        }
    }
}
