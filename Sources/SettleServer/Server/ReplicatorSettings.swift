// The settings of replications: sections `replicator` and `replicator.shares`, with CouchDB's names and values.

import SettleCore
import SettleReplication

extension SettingsStore {
    /// The limits of replication jobs.
    var replicationLimits: ReplicationScheduler.Limits {
        var limits = ReplicationScheduler.Limits()
        func number(_ name: String, atLeast least: Int) -> Int? {
            value("replicator", name).flatMap { Int($0) }.flatMap { $0 >= least ? $0 : nil }
        }
        if let number = number("max_jobs", atLeast: 0) { limits.maximumJobs = number }
        if let number = number("max_churn", atLeast: 0) { limits.maximumChurn = number }
        if let number = number("max_history", atLeast: 1) { limits.maximumHistory = number }
        if let number = number("interval", atLeast: 1) { limits.interval = number }
        if let number = number("health_threshold", atLeast: 1) { limits.healthThreshold = number * 1_000 }
        return limits
    }

    /// The shares of replicator databases that have not the usual hundred.
    var replicatorShares: [String: Int] {
        var shares: [String: Int] = [:]
        for entry in section("replicator.shares").members {
            shares[entry.name] = entry.value.string.flatMap { Int($0) }
        }
        return shares
    }
}

extension ServerCore {
    /// A setting has changed, or the server begins.
    func applySettings(of section: String) {
        guard section == "replicator" || section == "replicator.shares" else { return }
        replication.configure(settings.replicationLimits, shares: settings.replicatorShares)
    }
}
