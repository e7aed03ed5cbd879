import SettleCore
import SettleTestSupport
import Testing

@Suite("The delays of jobs")
struct JobDelaysTests {
    @Test(
        "are CouchDB's: up to a minute and doubling after a failure, a minute and more before looking again"
    )
    func bounds() {
        var random = SeededGenerator(seed: 1)
        for times in 0..<20 {
            for _ in 0..<50 {
                let delay = JobDelays.afterNamingFailed(times: times, using: &random)
                #expect((1_000...(64_000 << min(times, 12))).contains(delay))
            }
        }
        for _ in 0..<50 {
            #expect(JobDelays.beforeNamingAgain(jobs: 1, using: &random) == 61_000)
            #expect((61_000...461_000).contains(JobDelays.beforeNamingAgain(jobs: 2_000, using: &random)))
        }
    }
}
