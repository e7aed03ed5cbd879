// What both peers note about a replication: how far it came, and which sessions brought it there.
//
//     {"session_id":"f3c1…","source_last_seq":"23-9f0c22b1","replication_id_version":4,
//      "history":[{"session_id":"f3c1…","start_time":"Fri, 21 Nov 2025 01:46:02 GMT","end_time":…,
//                  "start_last_seq":0,"end_last_seq":"23-…","recorded_seq":"23-…","missing_checked":6,…}]}
//
// The document is `_local/` and the base of the replication's name, in the source and in the target. A session keeps one
// entry, at the front, which each of its checkpoints replaces; at most 50 sessions are kept. Entries of earlier sessions
// stay as they are: they may be CouchDB's or PouchDB's, with members of their own.

/// A replication's notes in one session, and the documents they make.
package struct Checkpoint: Hashable, Sendable {
    package let sessionID: String
    /// When the session began, in seconds since 1970.
    package let startTime: Int
    /// Where the session began.
    package let startSequence: SourceSequence
    /// The sessions before, the newest first.
    package let earlier: [JSONValue]
    /// Whether to repeat times and counts at the top, as copies of listed documents have always done.
    package let repeatsCounts: Bool

    package init(
        sessionID: String,
        startTime: Int,
        startSequence: SourceSequence,
        earlier: [JSONValue],
        repeatsCounts: Bool
    ) {
        self.sessionID = sessionID
        self.startTime = startTime
        self.startSequence = startSequence
        self.earlier = earlier
        self.repeatsCounts = repeatsCounts
    }

    /// The number of sessions that are kept.
    package static let keptSessions = 50

    /// The document, without `_id` and `_rev`, that says everything up to a sequence is done.
    package func document(
        recorded: SourceSequence,
        at time: Int,
        _ statistics: ReplicationStatistics
    ) -> JSONObject {
        let recorded = recorded.value
        let times: [(String, JSONValue)] = [
            ("start_time", .string(HTTPDate.text(unixSeconds: startTime))),
            ("end_time", .string(HTTPDate.text(unixSeconds: time))),
        ]
        let counts = ReplicationStatistics.checkpointMembers.map { name, path in
            (name, JSONValue.number(JSONNumber(statistics[keyPath: path])))
        }
        var entry: [(String, JSONValue)] = [("session_id", .string(sessionID))] + times
        entry += [
            ("start_last_seq", startSequence.value), ("end_last_seq", recorded), ("recorded_seq", recorded),
        ]
        entry += counts
        var members: [(String, JSONValue)] = [
            ("session_id", .string(sessionID)),
            ("source_last_seq", recorded),
            ("replication_id_version", .number(JSONNumber(ReplicationID.version))),
        ]
        if repeatsCounts {
            members += times
            members += counts.filter { ["docs_read", "docs_written", "doc_write_failures"].contains($0.0) }
        }
        let history = ([.object(JSONObject(entry))] + earlier).prefix(Self.keptSessions)
        members.append(("history", .array(Array(history))))
        return JSONObject(members)
    }
}

extension ReplicationStatistics {
    /// The counts that a history entry notes; what is missing counts as 0.
    package init(_ entry: JSONValue) {
        self.init()
        for (name, path) in Self.checkpointMembers {
            if let count = entry[name]?.int, count > 0 { self[keyPath: path] = count }
        }
    }
}

extension SourceSequence {
    /// The sequence as a value; null if its text is no JSON.
    package var value: JSONValue {
        (try? JSONValue(parsing: json)) ?? .null
    }

    /// The sequence that a value is.
    package init(_ value: JSONValue) {
        self.init(json: value.bytes)
    }
}
