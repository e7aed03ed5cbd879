import SettleCollation
import Testing

@Test("the collation has a version")
func collationVersion() throws {
    #expect(try ICUCollator().version.split(separator: ".").count == 4)
}
