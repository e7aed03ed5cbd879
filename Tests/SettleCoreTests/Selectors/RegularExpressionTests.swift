import SettleCore
import Testing

@Suite("Regular expressions")
struct RegularExpressionTests {
    @Test(
        "are found where PCRE finds them",
        arguments: [
            ("", "", true), ("a", "cab", true), ("^a", "ba", false), ("a$", "ba\n", true),
            (#"a\z"#, "ba\n", false),
            ("a|b|c", "xc", true), ("ab*c", "ac", true), ("ab+c", "ac", false), ("ab?c", "abbc", false),
            ("^a{2,3}$", "aaaa", false), ("^a{2,}$", "aaaa", true), ("a{,2}", "a{,2}", true),
            ("^(?:ab){2}$", "abab", true),
            ("^.$", "é", false), ("^..$", "é", true), ("[a-c]+x", "abcx", true), ("[^a-c]", "abc", false),
            ("[]a]", "]", true), ("[a-]", "-", true), ("[[:digit:]]{3}", "a123", true),
            ("[[:^alpha:]]", "abc", false),
            (#"^\d{4}-\d\d$"#, "2025-11", true), (#"\bcat\b"#, "a cat.", true),
            (#"\bcat\b"#, "concat", false),
            (#"(a)\1"#, "aa", true), (#"(?<x>ab)-\k<x>"#, "ab-ab", true),
            (#"(?i)ÄPFEL|apfel"#, "APFEL", true),
            ("(?i:a)b", "Ab", true), ("(?i:a)b", "AB", false), ("a.b", "a\nb", false),
            ("(?s)a.b", "a\nb", true),
            ("(?m)^b$", "a\nb\nc", true), ("(?x) a b # c", "ab", true), ("foo(?=bar)", "foobar", true),
            ("foo(?!bar)", "foobar", false), ("(?<=foo)bar", "foobar", true),
            ("(?<!foo)bar", "foobar", false),
            ("(?<=a|bc)d", "bcd", true), ("(?>a+)a", "aaa", false), ("a++a", "aaa", false),
            ("a+?a", "aaa", true),
            ("(a*)*b", "aaab", true), ("^(a|ab)(c|bcd)$", "abcd", true), (#"\Qa.b\E"#, "a.b", true),
            (#"\Qa.b\E"#, "axb", false), (#"\x41\x{42}\103"#, "ABC", true), ("x*", "", true),
            ("(a)|(b)\\2", "bb", true),
            ("^(?:(a)|b)*\\1$", "abba", true), (#"[\w.]+@[\w.]+"#, "me@example.org", true),
            (#"^(?!.*\.tmp$)"#, "a.tmp", false), (#"[\b]"#, "\u{8}", true), ("\\R", "\r\n", true),
        ]
    )
    func matching(_ pattern: String, _ text: String, _ expected: Bool) throws {
        #expect(try RegularExpression(pattern).matches(Array(text.utf8)) == expected)
    }

    @Test(
        "that make no sense are refused",
        arguments: [
            "(", ")", "*a", "[a", "a{3,2}", "(?<n", #"\"#, "[z-a]", #"(a)\2\g{9}"#, "(?<=a*)b", "(?R)",
            #"\y"#, "[[:x:]]", "(?z)",
        ]
    )
    func errors(_ pattern: String) {
        #expect(throws: PatternError.self) { try RegularExpression(pattern) }
    }

    @Test("give up instead of trying for ever")
    func patience() throws {
        let expression = try RegularExpression("^(a+)+$")
        #expect(!expression.matches(Array((String(repeating: "a", count: 60) + "b").utf8)))
        #expect(throws: PatternError.self) { try RegularExpression("((a{1000}){1000}){1000}") }
        #expect(throws: PatternError.self) { try RegularExpression(String(repeating: "(", count: 10_000)) }
    }
}
