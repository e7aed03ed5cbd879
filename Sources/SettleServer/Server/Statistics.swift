import SettleCore
import Synchronization

/// What the server counts; `/_node/_local/_stats` shows it under CouchDB's names.
final class Statistics: Sendable {
    /// Requests since the start.
    let requests = Atomic<Int>(0)
    /// Connections that are open.
    let connections = Atomic<Int>(0)
    /// Bytes of streamed bodies that were made, whether or not the client has taken them.
    let streamedBytes = Atomic<Int>(0)
    /// Feeds that go on until their clients have enough.
    let feeds = Atomic<Int>(0)

    /// The counts as CouchDB arranges them.
    var value: JSONValue {
        func entry(_ value: borrowing Atomic<Int>, _ type: String, _ description: String) -> JSONValue {
            [
                "value": .number(JSONNumber(value.load(ordering: .relaxed))),
                "type": .string(type),
                "desc": .string(description),
            ]
        }
        return [
            "couchdb": [
                "httpd": [
                    "requests": entry(requests, "counter", "number of HTTP requests"),
                    "streamed_bytes": entry(streamedBytes, "counter", "number of bytes of streamed bodies"),
                    "clients": entry(connections, "counter", "number of open connections"),
                    "clients_requesting_changes": entry(
                        feeds,
                        "counter",
                        "number of clients that wait for changes"
                    ),
                ]
            ]
        ]
    }
}
