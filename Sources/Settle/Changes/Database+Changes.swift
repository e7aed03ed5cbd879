// Following a database: every change there was, then every change to come.
//
//     for try await change in notes.changes() {
//         print(change.id, change.revision)
//     }
//
// A document appears once, at its latest change, however often it was edited before the reader came by. Whoever stops
// can go on later from `change.position`. While it waits it holds nothing: no snapshot, no thread.

public import SettleCore
import Synchronization

/// One document's latest change.
public struct Change: Hashable, Sendable {
    /// Where to go on after this change: give it to `changes(after:)`.
    public let position: String
    /// The document that changed.
    public let id: DocumentID
    /// Its winning revision now.
    public let revision: RevisionID
    /// Whether the document is deleted.
    public let isDeleted: Bool
}

/// The changes of a database, past and to come.
public struct Changes: AsyncSequence, Sendable {
    /// What it is a sequence of.
    public typealias Element = Change

    let database: Database
    let start: String
    let follows: Bool

    /// Begins to read.
    public func makeAsyncIterator() -> Iterator {
        Iterator(database: database, position: start, follows: follows)
    }

    /// Reads the changes a page at a time.
    public struct Iterator: AsyncIteratorProtocol {
        private static let pageSize = 256

        private let database: Database
        private let follows: Bool
        private var position: String
        private var page: ArraySlice<Change> = []
        private let bell: Bell
        private var rings: AsyncStream<Void>.Iterator

        init(database: Database, position: String, follows: Bool) {
            self.database = database
            self.follows = follows
            self.position = position
            bell = Bell(database)
            rings = bell.rings.makeAsyncIterator()
        }

        /// The next change; nil at the end, which a sequence that follows reaches only when its task is cancelled.
        ///
        /// - Throws: `notFound` once the database is deleted.
        public mutating func next() async throws(SettleError) -> Change? {
            while true {
                if let change = page.popFirst() {
                    position = change.position
                    return change
                }
                page = try read()[...]
                if page.isEmpty {
                    guard follows, await rings.next() != nil else { return nil }
                }
            }
        }

        private func read() throws(SettleError) -> [Change] {
            try database.read { snapshot in
                guard let sequence = try snapshot.sequence(fromToken: position) else {
                    throw SettleError(.badRequest, "Malformed sequence: \(position)")
                }
                var changes: [Change] = []
                var rows = try snapshot.changesCursor()
                var found = try rows.seek(after: sequence)
                while found, changes.count < Self.pageSize {
                    changes.append(
                        Change(
                            position: snapshot.sequenceToken(rows.sequence),
                            id: rows.id,
                            revision: rows.revision,
                            isDeleted: rows.isDeleted
                        )
                    )
                    found = try rows.next()
                }
                return changes
            }
        }
    }
}

/// Rings when a database changes; several rings that nobody waited for are one.
private final class Bell: Sendable {
    let rings: AsyncStream<Void>
    private let database: Database
    private let token: ListenerToken

    init(_ database: Database) {
        let (rings, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.rings = rings
        self.database = database
        token = database.addChangeListener { continuation.yield() }
    }

    deinit {
        database.removeChangeListener(token)
    }
}

extension Database {
    /// The changes after a position, and then those to come, for as long as they are awaited.
    ///
    /// - Parameters:
    ///   - position: A `Change.position`; the beginning unless given.
    ///   - following: Whether to wait for further changes when there are none.
    /// - Returns: A sequence that ends when its task is cancelled, or, not following, after the last change there is.
    public func changes(after position: String = "0", following: Bool = true) -> Changes {
        Changes(database: self, start: position, follows: following)
    }
}
