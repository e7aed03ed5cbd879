package import SettleCore
package import SettleReplication

/// The replications that `POST /_replicate` starts.
extension ReplicationJobs: ReplicationService {
    package func replicate(_ request: JSONObject) async throws(SettleError) -> ReplicationAnswer {
        let answer = try await replicate(body: .object(request))
        return ReplicationAnswer(status: answer.status, body: answer.body)
    }

    package func jobs() async -> [JSONValue] { jobList() }
}
