// How long a document waits until its job's name is looked for again. The delays are CouchDB's, and random, so that a
// thousand documents do not ask one server in the same second.

/// Delays before the name of a job is found out again, in milliseconds.
package enum JobDelays {
    private static let day = 86_400

    /// After it could not be found out so many times before: up to about a minute, doubling, up to three days.
    package static func afterNamingFailed(
        times: Int,
        using random: inout some RandomNumberGenerator
    ) -> Int {
        Int.random(in: 1...(64 << min(max(times, 0), 12)), using: &random) * 1_000
    }

    /// While the job is on the list, because a filter function may change: a minute, and more where there are many jobs.
    package static func beforeNamingAgain(jobs: Int, using random: inout some RandomNumberGenerator) -> Int {
        (60 + Int.random(in: 1...(1 + min(jobs / 5, day)), using: &random)) * 1_000
    }

    /// The same, by chance.
    package static func afterNamingFailed(times: Int) -> Int {
        var random = SystemRandomNumberGenerator()
        return afterNamingFailed(times: times, using: &random)
    }

    /// The same, by chance.
    package static func beforeNamingAgain(jobs: Int) -> Int {
        var random = SystemRandomNumberGenerator()
        return beforeNamingAgain(jobs: jobs, using: &random)
    }
}
