// From Swift's types to JSON trees: what a document's member or a view's key becomes when it is a `Codable` value.
//
//     struct Book: Codable { var title: String; var year: Int? }
//     try JSONValue(encoding: Book(title: "Emma", year: nil))       // {"title":"Emma"}
//
// Integers stay integers, doubles are written with a point, absent optionals leave no member. A `Date` becomes what its
// own conformance makes of it, seconds since 2001; store dates as text if others read them.

extension JSONValue {
    /// The JSON tree of a value.
    ///
    /// - Throws: what the value's own conformance throws, or that it encodes nothing.
    public init(encoding value: some Encodable) throws {
        if let tree = value as? JSONValue {
            self = tree
            return
        }
        let place = EncodedPlace()
        try value.encode(to: TreeEncoder(place: place, codingPath: []))
        guard let tree = place.tree else {
            throw EncodingError.invalidValue(
                value,
                EncodingError.Context(codingPath: [], debugDescription: "The value encodes nothing.")
            )
        }
        self = tree
    }
}

/// Where a value goes whose encoder or container somebody holds.
private final class EncodedPlace {
    enum Content {
        case nothing
        case value(JSONValue)
        case elements([EncodedPlace])
        case members([(name: String, place: EncodedPlace)])
    }

    var content = Content.nothing

    var tree: JSONValue? {
        switch content {
        case .nothing: nil
        case .value(let value): value
        // An element that encodes nothing is still an element.
        case .elements(let places): .array(places.map { $0.tree ?? .object(JSONObject()) })
        case .members(let members):
            .object(JSONObject(members.map { ($0.name, $0.place.tree ?? .object(JSONObject())) }))
        }
    }

    func addElement() -> EncodedPlace {
        var places: [EncodedPlace] = []
        if case .elements(let present) = content { places = present }
        let place = EncodedPlace()
        // Let go of the array before it grows, so that it grows in place.
        content = .nothing
        places.append(place)
        content = .elements(places)
        return place
    }

    func addMember(_ name: String) -> EncodedPlace {
        var members: [(name: String, place: EncodedPlace)] = []
        if case .members(let present) = content { members = present }
        let place = EncodedPlace()
        content = .nothing
        members.append((name, place))
        content = .members(members)
        return place
    }
}

private struct TreeEncoder: Encoder {
    let place: EncodedPlace
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .nothing = place.content { place.content = .members([]) }
        return KeyedEncodingContainer(MemberEncoder(place: place, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .nothing = place.content { place.content = .elements([]) }
        return ElementEncoder(place: place, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        ValueEncoder(place: place, codingPath: codingPath)
    }
}

private struct ValueEncoder: SingleValueEncodingContainer {
    let place: EncodedPlace
    let codingPath: [any CodingKey]

    private func put(_ value: JSONValue) { place.content = .value(value) }

    func encodeNil() { put(.null) }
    func encode(_ value: Bool) { put(.bool(value)) }
    func encode(_ value: String) { put(.string(value)) }
    func encode(_ value: Double) throws { put(.number(try number(value))) }
    func encode(_ value: Float) throws { put(.number(try number(Double(value)))) }
    func encode(_ value: Int) { put(.number(JSONNumber(value))) }
    func encode(_ value: Int8) { put(.number(JSONNumber(value))) }
    func encode(_ value: Int16) { put(.number(JSONNumber(value))) }
    func encode(_ value: Int32) { put(.number(JSONNumber(value))) }
    func encode(_ value: Int64) { put(.number(JSONNumber(value))) }
    func encode(_ value: UInt) { put(.number(JSONNumber(value))) }
    func encode(_ value: UInt8) { put(.number(JSONNumber(value))) }
    func encode(_ value: UInt16) { put(.number(JSONNumber(value))) }
    func encode(_ value: UInt32) { put(.number(JSONNumber(value))) }
    func encode(_ value: UInt64) { put(.number(JSONNumber(value))) }

    func encode(_ value: some Encodable) throws {
        if let tree = value as? JSONValue {
            put(tree)
        } else {
            try value.encode(to: TreeEncoder(place: place, codingPath: codingPath))
        }
    }

    private func number(_ value: Double) throws -> JSONNumber {
        guard value.isFinite else {
            throw EncodingError.invalidValue(
                value,
                EncodingError.Context(codingPath: codingPath, debugDescription: "JSON has no \(value).")
            )
        }
        return JSONNumber(value)
    }
}

private struct ElementEncoder: UnkeyedEncodingContainer {
    let place: EncodedPlace
    let codingPath: [any CodingKey]

    var count: Int {
        if case .elements(let places) = place.content { places.count } else { 0 }
    }

    private func next() -> TreeEncoder { TreeEncoder(place: place.addElement(), codingPath: codingPath) }

    func encodeNil() { next().place.content = .value(.null) }

    func encode(_ value: some Encodable) throws {
        try ValueEncoder(place: place.addElement(), codingPath: codingPath).encode(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type
    ) -> KeyedEncodingContainer<NestedKey> {
        next().container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { next().unkeyedContainer() }

    func superEncoder() -> any Encoder { next() }
}

private struct MemberEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let place: EncodedPlace
    let codingPath: [any CodingKey]

    private func next(_ key: any CodingKey) -> TreeEncoder {
        TreeEncoder(place: place.addMember(key.stringValue), codingPath: codingPath + [key])
    }

    func encodeNil(forKey key: Key) { next(key).place.content = .value(.null) }

    func encode(_ value: some Encodable, forKey key: Key) throws {
        let encoder = next(key)
        try ValueEncoder(place: encoder.place, codingPath: encoder.codingPath).encode(value)
    }

    func nestedContainer<NestedKey: CodingKey>(
        keyedBy keyType: NestedKey.Type,
        forKey key: Key
    ) -> KeyedEncodingContainer<NestedKey> {
        next(key).container(keyedBy: keyType)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        next(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { superEncoder(name: "super") }

    func superEncoder(forKey key: Key) -> any Encoder { next(key) }

    private func superEncoder(name: String) -> TreeEncoder {
        TreeEncoder(place: place.addMember(name), codingPath: codingPath)
    }
}
