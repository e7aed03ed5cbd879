// A document of a replicator database (`_replicator`, or any database whose name ends in `/_replicator`): what it asks
// for, and what the replicator writes into it.
//
//     {"_id": "nightly", "source": "http://bob:secret@there/notes", "target": "http://here/notes", "continuous": true}
//
// A document asks for a job until it says how that ended. Only the two ends are written into it, since a state that
// passes would cost a write each time; everything else is on `_scheduler/docs`.
//
//     "_replication_state": "completed"    with `_replication_stats`
//     "_replication_state": "failed"       with `_replication_state_reason`: nothing will come of it as it stands
//
// The subtle thing: whoever takes the state out of a document, or writes it anew without one, asks for the job again.

/// What a document of a replicator database asks for.
package enum ReplicatorDocument: Hashable, Sendable {
    /// A job; `user` is who it runs for, where the document says that.
    case job(ReplicationOptions, user: String?)
    /// Nothing any more: how it ended stands in it.
    case ended(state: String)
    /// Something that can't be done, and why.
    case malformed(reason: String)

    /// Whether documents of the database of this name are jobs.
    package static func isReplicator(database name: String) -> Bool {
        let name = name.utf8
        return name.elementsEqual("_replicator".utf8)
            || name.reversed().starts(with: "/_replicator".utf8.reversed())
    }

    /// What a document's members say.
    package init(_ document: JSONObject) {
        if let state = document["_replication_state"]?.string, state == "completed" || state == "failed" {
            self = .ended(state: state)
            return
        }
        do throws(SettleError) {
            let options = try ReplicationOptions(document)
            for case .local(let name) in [options.source, options.target] where name.contains("://") {
                throw SettleError(.invalidReplication, "endpoint has an invalid url")
            }
            self = .job(options, user: document["user_ctx"]?["name"]?.string)
        } catch {
            self = .malformed(reason: error.reason)
        }
    }
}

// MARK: States

extension ReplicatorDocument {
    /// How a job ended, as it is written into its document.
    package enum Ending: Hashable, Sendable {
        case completed(statistics: JSONObject)
        case failed(reason: String)
    }

    /// The members with a job's end, which came at a time in seconds since 1970.
    package static func adding(_ ending: Ending, to document: JSONObject, at time: Int) -> JSONObject {
        var document = document
        let state: String
        switch ending {
        case .completed: state = "completed"
        case .failed: state = "failed"
        }
        // A state that passes, with the name of its job, is what older servers wrote.
        if ["triggered", "error"].contains(document["_replication_state"]?.string) {
            document["_replication_id"] = nil
        }
        if document["_replication_state"]?.string != state {
            document["_replication_state"] = .string(state)
            document["_replication_state_time"] = .string(HTTPDate.timestamp(unixSeconds: time))
        }
        switch ending {
        case .completed(let statistics):
            document["_replication_state_reason"] = nil
            document["_replication_stats"] = .object(statistics)
        case .failed(let reason):
            document["_replication_stats"] = nil
            document["_replication_state_reason"] = .string(reason)
        }
        return document
    }

    /// The entry of a document that has ended on `_scheduler/docs`; nil for one that has not.
    package static func listing(_ document: JSONObject, database: String) -> JSONValue? {
        guard let state = document["_replication_state"]?.string, state == "completed" || state == "failed",
            let id = document["_id"]
        else { return nil }
        let reason = document["_replication_state_reason"]
        var statistics = document["_replication_stats"]?.object ?? JSONObject()
        let time = document["_replication_state_time"] ?? .null
        let start = state == "failed" ? time : statistics["start_time"] ?? .null
        statistics["start_time"] = nil
        return [
            "database": .string(database),
            "doc_id": id,
            "id": .null,
            "source": shownEndpoint(document["source"]),
            "target": shownEndpoint(document["target"]),
            "state": .string(state),
            "info": state == "failed" ? reason.map { ["error": $0] } ?? .null : .object(statistics),
            "error_count": state == "failed" ? 1 : 0,
            "last_updated": time,
            "start_time": start,
        ]
    }

    private static func shownEndpoint(_ endpoint: JSONValue?) -> JSONValue {
        guard let endpoint = try? ReplicationEndpoint(endpoint) else { return .null }
        return .string(endpoint.description)
    }
}
