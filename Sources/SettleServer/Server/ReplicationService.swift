package import SettleCore

/// What the routes `_replicate`, `_active_tasks` and `_scheduler` ask of the replicator.
package protocol ReplicationService: Sendable {
    /// Starts or cancels the replication that the body of a `POST /_replicate` describes.
    ///
    /// - Returns: Status and body of the answer: the result of a finished replication, or the id of a continuous one.
    func replicate(body: JSONValue) async throws(SettleError) -> (status: Int, body: JSONValue)
    /// The replications at work, as `_active_tasks` lists them.
    func activeTasks() -> [JSONValue]
    /// All replications, as `_scheduler/jobs` lists them.
<<<<<<< HEAD
    func jobList() -> [JSONValue]
    /// Stops all replications.
    func shutdown() async
=======
    func jobs() async -> [JSONValue]
    /// Ends all replications, which note how far they came.
    func shutdown() async
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
>>>>>>> c7b32c0 (List the recorded steps that Settle answers otherwise; let served replications run and end with the server)
}
