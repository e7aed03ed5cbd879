// An object keeps its members in their order: CouchDB prints them in it, hashes them in it, and sorts objects by it.
//
// Names are compared byte by byte, so "é" in its two spellings is two members. Of members with one name only the last
// remains, in the last one's place, which is what CouchDB makes of `{"a":1,"b":2,"a":3}`: `{"b":2,"a":3}`.

/// The members of a JSON object, in order, each name once.
public struct JSONObject: Sendable {
    /// A name and its value.
    public struct Member: Sendable {
        /// The name.
        public let name: String
        /// The value.
        public var value: JSONValue
    }

    /// The members in order.
    public private(set) var members: [Member] = []

    /// An object without members.
    public init() {}

    /// The object with these members, of which the last of each name counts.
    public init(_ members: some Sequence<(String, JSONValue)>) {
        self.init(keepingLast: members.map { Member(name: $0.0, value: $0.1) })
    }

    /// The object with these members, of which the last of each name counts.
    init(keepingLast members: [Member]) {
        self.members = members
        // Few names are compared pairwise; many go through a table, lest a large object take quadratic time.
        if members.count <= 16 {
            let isRepeated = members.indices.contains { index in
                members[..<index].contains { $0.name.hasSameBytes(as: members[index].name) }
            }
            guard isRepeated else { return }
        }
        var names = Set<[UInt8]>(minimumCapacity: members.count)
        let kept = members.reversed().filter { names.insert(Array($0.name.utf8)).inserted }
        if kept.count < members.count { self.members = kept.reversed() }
    }

    /// The value of a member, which is appended, replaced where it stands, or with `nil` removed.
    ///
    /// Looks at one name after the other: build a large object from a sequence instead.
    public subscript(name: String) -> JSONValue? {
        get { index(of: name).map { members[$0].value } }
        set {
            switch (index(of: name), newValue) {
            case (let index?, let value?): members[index].value = value
            case (let index?, nil): members.remove(at: index)
            case (nil, let value?): members.append(Member(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The names in order.
    public var names: [String] { members.map(\.name) }
    /// How many members there are.
    public var count: Int { members.count }
    /// Whether there are none.
    public var isEmpty: Bool { members.isEmpty }

    private func index(of name: String) -> Int? {
        members.firstIndex { $0.name.hasSameBytes(as: name) }
    }
}

extension JSONObject: Hashable {
    /// Whether both have the same members in the same order.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count
            && zip(left.members, right.members).allSatisfy {
                $0.name.hasSameBytes(as: $1.name) && $0.value == $1.value
            }
    }

    /// Feeds names and values in order.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for member in members {
            member.name.hashBytes(into: &hasher)
            hasher.combine(member.value)
        }
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The object with these members, of which the last of each name counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self.init(elements)
    }
}

extension String {
    /// Equality of JSON text: `==` would call two spellings of "é" equal.
    func hasSameBytes(as other: String) -> Bool {
        utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
    }

    /// Hashes what `hasSameBytes` compares.
    func hashBytes(into hasher: inout Hasher) {
        hasher.combine(utf8.count)
        for byte in utf8 { hasher.combine(byte) }
    }
}
