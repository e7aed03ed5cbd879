import SettleCore
import Testing

@Suite("Security objects")
struct SecurityObjectTests {
    @Test("names and roles are lists of strings")
    func lists() throws {
        try SecurityObject.validate(["admins": ["names": ["a"], "roles": []], "custom": 5])
        let error = #expect(throws: SettleError.self) {
            try SecurityObject.validate(["members": ["roles": [5]]])
        }
        #expect(error?.reason == "roles must be a JSON list of strings")
        #expect(throws: SettleError.self) { try SecurityObject.validate(["admins": 5]) }
        #expect(throws: SettleError.self) { try SecurityObject.validate(["admins": ["names": "a"]]) }
    }
}
