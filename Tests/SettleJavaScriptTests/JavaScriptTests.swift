#if JavaScript
import Testing

@testable import SettleJavaScript

@Test("a script runs")
func scriptRuns() {
    #expect(evaluates("1 + 1"))
    #expect(!evaluates("}"))
}
#endif
