// Who is next when there are more replication jobs than may run: fair shares, by J. Kay and P. Lauder (1988), as
// CouchDB uses them.
//
// Every replicator database is a group with a number of shares (100 unless a setting says otherwise). Each cycle:
//
//     usage    = usage / 2 + the time that the group's jobs ran
//     priority = priority · 0.98                         for all jobs, so that whoever waits moves to the front
//     priority += usage · jobs in the group / shares²    for the jobs that ran, which moves them back
//
// The lowest priority is next. A group with a thousand jobs thus gets no more than one with ten, and nobody waits
// for ever. What a group used is remembered over cycles, so deleting a job and adding it again gains nothing.

/// The bookkeeping of fair shares.
package struct FairShares: Sendable {
    /// The group of a job: a replicator database's name, or the user of a transient job.
    package typealias Group = String

    private static let usualShares = 100
    private static let usageDecay = 0.5
    private static let priorityDecay = 0.98

    /// Shares of the groups that have others than the usual number, 1…1000.
    package var shares: [Group: Int] = [:]
    private var usage: [Group: Double] = [:]
    private var jobs: [Group: Int] = [:]

    /// Nobody has used anything.
    package init() {}

    /// A job is new; answers with its first priority, as if it had just run.
    mutating func added(to group: Group) -> Double {
        jobs[group, default: 0] += 1
        return charge(of: group)
    }

    mutating func removed(from group: Group) {
        guard let count = jobs[group] else { return }
        jobs[group] = count > 1 ? count - 1 : nil
    }

    /// A cycle is over: notes the time that each group's jobs ran in it, in milliseconds.
    mutating func cycle(_ ran: [Group: Int]) {
        usage = usage.mapValues { $0 * Self.usageDecay }.filter { $0.value >= 1 }
        for (group, time) in ran { usage[group, default: 0] += Double(time) }
    }

    /// What a cycle adds to the priority of a job that ran in it.
    func charge(of group: Group) -> Double {
        let shares = Double(min(max(self.shares[group] ?? Self.usualShares, 1), 1000))
        return (usage[group] ?? 0) * Double(jobs[group] ?? 0) / (shares * shares)
    }

    /// A priority after one more cycle.
    static func decayed(_ priority: Double) -> Double {
        let decayed = priority * priorityDecay
        return decayed < 0.001 ? 0 : decayed
    }
}
