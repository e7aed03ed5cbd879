package import SettleCore
package import SettleReplication

/// What the routes `_replicate`, `_active_tasks` and `_scheduler` ask of the replicator.
package protocol ReplicationService: Sendable {
    /// Starts or cancels the replication that the body of a `POST /_replicate` describes.
    ///
    /// - Returns: Status and body of the answer: the result of a finished replication, or the id of a continuous one.
    func replicate(body: JSONValue) async throws(SettleError) -> (status: Int, body: JSONValue)
    /// The replications at work, as `_active_tasks` lists them.
    func activeTasks() -> [JSONValue]
    /// All replications, as `_scheduler/jobs` lists them.
    func jobList() -> [JSONValue]
    /// Stops all replications.
    func shutdown() async
}

extension ReplicationJobs: ReplicationService {}
