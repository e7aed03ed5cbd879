// A view whose map function is Swift.
//
//     struct Book: Codable { var author: String; var title: String; var pages: Int }
//
//     let pages = NativeView<[String], Int>("pages by author", version: 1, of: Book.self) { book, _, emit in
//         emit([book.author, book.title], book.pages)
//     }
//     let books = library.open(pages)
//     try await books.rows(.prefix("Austen"))                        // [(key: ["Austen", "Emma"], value: 474, id: …), …]
//     try await library.open(pages.reduced(by: .sum)).groups(level: 1)   // [(key: ["Austen"], value: 1206), …]
//
// The index is kept on disk beside the database, like those of design documents, and follows it the same way: a query first
// takes in what has changed. It is this program's alone and does not replicate.
//
// The subtle thing is the version. Nobody can see that a closure has changed, so the version has to say it: the index of another
// version is another one, built anew.

public import SettleCore

/// What a program's own index has rows of.
public struct NativeView<Key: Codable & Sendable, Value: Codable & Sendable, Reduced: Codable & Sendable>:
    Sendable
{
    /// The view's name: with the version it names the index.
    public let name: String
    /// The version of the map function.
    public let version: Int
    let map: ClosureMapper.Map
    let reducer: ViewReducer<Value, Reduced>?
}

extension NativeView where Reduced == Never {
    /// A view by a closure that is called with each document and emits rows for it.
    ///
    /// A document that the closure throws on has no rows. Design documents are not mapped.
    ///
    /// - Parameters:
    ///   - name: The view's name: with the version it names the index.
    ///   - version: To be raised whenever the closure changes.
    ///   - map: Takes a document and a function that emits a row.
    public init(
        _ name: String,
        version: Int,
        map: @escaping @Sendable (_ document: Document, _ emit: (Key, Value) -> Void) throws -> Void
    ) {
        self.init(
            name: name,
            version: version,
            map: { text, emit in
                guard let document = try? Document(storedText: text) else { return }
                Self.collect(emit) { try map(document, $0) }
            },
            reducer: nil
        )
    }

    /// The same for documents that are read as a type of the program's; those that are none have no rows.
    ///
    /// - Parameters:
    ///   - name: The view's name: with the version it names the index.
    ///   - version: To be raised whenever the closure or the type changes.
    ///   - type: What documents are read as.
    ///   - map: Takes a document as that type, its id, and a function that emits a row.
    public init<Content: Decodable & SendableMetatype>(
        _ name: String,
        version: Int,
        of type: Content.Type,
        map:
            @escaping @Sendable (_ content: Content, _ id: DocumentID, _ emit: (Key, Value) -> Void) throws ->
            Void
    ) {
        self.init(name, version: version) { document, emit in
            guard let content = try? document.decoded(as: type) else { return }
            try map(content, document.id, emit)
        }
    }

    /// Emits the rows of one document, unless its map function throws.
    private static func collect(
        _ emit: ([UInt8], [UInt8]) -> Void,
        _ body: ((Key, Value) -> Void) throws -> Void
    ) {
        var rows: [(key: [UInt8], value: [UInt8])] = []
        do {
            var failure: (any Error)?
            try body { key, value in
                do {
                    rows.append((try JSONValue(encoding: key).bytes, try JSONValue(encoding: value).bytes))
                } catch {
                    failure = error
                }
            }
            if let failure { throw failure }
        } catch {
            return
        }
        for row in rows { emit(row.key, row.value) }
    }

    /// The view with a reducer, in an index of its own.
    public func reduced<Result>(by reducer: ViewReducer<Value, Result>) -> NativeView<Key, Value, Result> {
        NativeView<Key, Value, Result>(name: name, version: version, map: map, reducer: reducer)
    }
}

extension NativeView {
    /// The index's definition.
    var source: ViewSource {
        let definition = ViewDefinition(
            name: Array(name.utf8),
            map: Array("\(version)".utf8),
            reduce: reducer?.source
        )
        return ViewSource(
            group: ViewGroup(language: "native", views: [definition]),
            title: name,
            mapper: ClosureMapper([map]),
            reduceEngine: reducer?.engine
        )
    }
}

extension Document {
    /// The document as a type of the program's, `_id` and the like left out.
    ///
    /// - Throws: `DecodingError` where the document does not fit the type.
    public func decoded<Content: Decodable & SendableMetatype>(as type: Content.Type = Content.self) throws
        -> Content
    {
        try JSONValue.object(members).decoded(as: type)
    }

    /// Reads the text that map functions are given.
    init(storedText text: [UInt8]) throws {
        let value = try JSONValue(parsing: text)
        guard let object = value.object, let id = value["_id"]?.string,
            let revision = value["_rev"]?.string.flatMap({ RevisionID($0) })
        else { throw SettleError(.internalError, "A stored document is damaged.") }
        self.init(
            id: DocumentID(id),
            revision: revision,
            isDeleted: false,
            members: JSONObject(
                object.members.lazy.filter { $0.name.utf8.first != UInt8(ascii: "_") }.map {
                    ($0.name, $0.value)
                }
            )
        )
    }
}
