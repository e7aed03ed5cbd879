import SettleCore
import Testing

private func parse(_ text: String) throws(JSONError) -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

@Suite("JSON values")
struct JSONValueTests {
    @Test("a text becomes the tree it describes")
    func tree() throws {
        let value = try parse(#" {"a":[1,-2,1.5,true,false,null],"b":{"c":"d\n"},"e":""} "#)
        #expect(value == ["a": [1, -2, 1.5, true, false, nil], "b": ["c": "d\n"], "e": ""])
        #expect(value["a"]?[0]?.int == 1)
        #expect(value["a"]?[2]?.double == 1.5)
        #expect(value["a"]?[2]?.int == nil)
        #expect(value["a"]?[3]?.bool == true)
        #expect(value["a"]?[5]?.isNull == true)
        #expect(value["a"]?[6] == nil)
        #expect(value["b"]?["c"]?.string == "d\n")
        #expect(value["nothing"] == nil)
        #expect(value["a"]?.array?.count == 6)
        #expect(value.object?.names == ["a", "b", "e"])
    }

    @Test("a range of a text is read alone")
    func range() throws {
        let text = Array(#"[12,{"a":3}]"#.utf8)
        #expect(try JSONValue(parsing: text, in: 4..<11) == ["a": 3])
        #expect(throws: JSONError(offset: 3, problem: .trailingBytes)) {
            try JSONValue(parsing: text, in: 1..<4)
        }
    }

    @Test("of members with one name the last one counts, in its place, at every depth")
    func repeatedNames() throws {
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#).text == #"{"b":2,"a":3}"#)
        #expect(try parse(#"[{"x":{"a":1,"\u0061":2}}]"#).text == #"[{"x":{"a":2}}]"#)
        let many = (0..<500).map { "\"k\($0 % 100)\":\($0)" }.joined(separator: ",")
        let kept = (400..<500).map { "\"k\($0 % 100)\":\($0)" }.joined(separator: ",")
        #expect(try parse("{\(many)}").text == "{\(kept)}")
    }

    @Test("names and strings that only look alike differ")
    func bytewise() throws {
        let composed: JSONValue = "\u{E9}"
        let decomposed: JSONValue = "e\u{301}"
        #expect(composed != decomposed)
        #expect(try parse(#"{"\#u{E9}":1,"e\#u{301}":2}"#).object?.count == 2)
        #expect(try parse(#"{"\#u{E9}":1}"#)["e\u{301}"] == nil)
        #expect(Set([composed, decomposed]).count == 2)
    }

    @Test("whole doubles and integers differ")
    func kinds() throws {
        #expect(try parse("1") != parse("1.0"))
        #expect(try parse("1e0") == parse("1.0"))
        #expect(try parse("9223372036854775807").int == Int.max)
        #expect(try parse("-9223372036854775808").int == Int.min)
        #expect(try parse("9223372036854775808").int == nil)
        #expect(try parse("9223372036854775808") == .number(JSONNumber(UInt64(1) << 63)))
        #expect(try parse("18446744073709551616").double == 18_446_744_073_709_551_616)
    }

    @Test("order of members matters")
    func order() {
        let value: JSONValue = ["a": 1, "b": 2]
        #expect(value != ["b": 2, "a": 1])
        #expect(value.text == #"{"a":1,"b":2}"#)
        #expect(value.description == value.text)
    }

    @Test("members can be set, replaced and removed")
    func editing() {
        var object: JSONObject = ["a": 1, "b": 2]
        object["c"] = 3
        object["a"] = "first"
        object["b"] = nil
        object["d"] = nil
        #expect(JSONValue.object(object).text == #"{"a":"first","c":3}"#)
    }

    @Test("what is printed reads back the same", arguments: 0..<40 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = JSONGenerator(seed: seed)
        for _ in 0..<50 {
            let value = random.value()
            #expect(try JSONValue(parsing: value.bytes) == value)
            #expect(try JSONValue(parsing: random.respell(value)) == value)
        }
    }

    @Test("the deepest value allowed can be read, compared, printed and freed")
    func depth() throws {
        let text = String(repeating: #"[{"a":"#, count: 500) + "1" + String(repeating: "}]", count: 500)
        let value = try parse(text)
        #expect(value == (try parse(text)))
        #expect(value.text == text)
        #expect(throws: JSONError(offset: 3_000, problem: .tooDeep)) {
            try parse(text.replacing("1", with: "[]"))
        }
    }
}
