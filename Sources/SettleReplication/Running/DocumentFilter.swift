// An app's own choice among the documents of a replication.
//
//     let mine = DocumentFilter(version: "mine-2") { $0["owner"]?.string == "bob" }
//     let pull = try Replication(from: .url(url), to: .database(notes), filter: mine)
//
// It sees documents after they were read, so it saves the target's space, not the way from the source; a selector is
// judged by the source. The version is part of the replication's name: a filter that changes its mind needs another one,
// or what it did not take before stays behind the checkpoint.

public import Settle
import SettleCore

/// Decides in Swift which documents are copied.
public struct DocumentFilter: Sendable {
    /// Names what the function decides.
    public let version: String
    private let accepts: @Sendable (Document) -> Bool

    /// A filter that copies the documents for which a function says so.
    ///
    /// - Parameters:
    ///   - version: A name for what the function decides; another name begins from the start.
    ///   - accepts: Asked about every revision, on any thread, deletions included.
    public init(version: String, _ accepts: @escaping @Sendable (Document) -> Bool) {
        (self.version, self.accepts) = (version, accepts)
    }

    func accepted(_ documents: [FetchedDocument]) throws(SettleError) -> [FetchedDocument] {
        var accepted: [FetchedDocument] = []
        for document in documents {
            if accepts(try Document(parsing: Array(document.json))) { accepted.append(document) }
        }
        return accepted
    }
}

extension Replication {
    /// Which way documents go.
    public enum Direction: Hashable, Sendable {
        /// From the other side to the database here.
        case pull
        /// From the database here to the other side.
        case push
        /// Both.
        case both
    }

    /// The replications between a database here and another one: one, or for both ways two.
    ///
    /// - Parameters:
    ///   - database: The database here.
    ///   - other: The other side.
    ///   - direction: Which way documents go.
    ///   - configure: Changes the options of each.
    /// - Returns: The replications, none of them started; the pull first.
    /// - Throws: `badRequest` if a URL is none, or the options make no sense.
    public static func between(
        _ database: Database,
        and other: Side,
        _ direction: Direction,
        configure: (inout ReplicationOptions) -> Void = { _ in }
    ) throws(SettleError) -> [Replication] {
        var replications: [Replication] = []
        if direction != .push {
            replications.append(try Replication(from: other, to: .database(database), configure: configure))
        }
        if direction != .pull {
            replications.append(try Replication(from: .database(database), to: other, configure: configure))
        }
        return replications
    }
}
