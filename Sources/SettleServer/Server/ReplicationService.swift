package import SettleCore

/// What the routes `_replicate`, `_active_tasks` and `_scheduler` ask of the replicator.
package protocol ReplicationService: Sendable {
    /// Starts or cancels the replication that the body of a `POST /_replicate` describes.
    ///
    /// - Returns: What is answered: the result of a finished replication, or the id of a continuous one.
    func replicate(_ request: JSONObject) async throws(SettleError) -> ReplicationAnswer
    /// The replications at work, as `_active_tasks` lists them.
    func activeTasks() async -> [JSONValue]
    /// All replications, as `_scheduler/jobs` lists them.
    func jobs() async -> [JSONValue]
}

/// What `POST /_replicate` answers.
package struct ReplicationAnswer: Sendable {
    /// 200 for a finished replication, 202 for one that goes on.
    package let status: Int
    /// The result.
    package let body: JSONValue

    package init(status: Int, body: JSONValue) {
        self.status = status
        self.body = body
    }
}
