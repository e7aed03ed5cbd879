import SettleCore
import Testing

/// Strings by their bytes; ASCII letters without their case first, as a collation has it.
struct LetterCollator: StringCollator {
    var version: String { "letters" }

    func appendSortKey(of all: [UInt8], in range: Range<Int>, to bytes: inout [UInt8]) {
        let text = all[range]
        bytes.append(contentsOf: text.map { (65...90).contains($0) ? $0 + 32 : $0 })
        bytes.append(1)
        bytes.append(contentsOf: text.map { (65...90).contains($0) ? 2 : 1 })
    }
}

func json(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

@Suite("Selectors")
struct SelectorTests {
    /// The documents and answers of a real CouchDB 3.5.0.
    private static let documents = [
        #"{"_id":"1","n":1,"s":"apple","a":[1,2,3],"o":{"x":1,"y":{"z":"deep"}},"b":true}"#,
        #"{"_id":"2","n":2,"s":"Banana","a":["x","y"],"o":{"x":2},"b":false}"#,
        #"{"_id":"3","n":3.5,"s":"cherry","a":[],"nul":null}"#,
        #"{"_id":"4","n":"4","s":"","a":[{"k":1,"v":"p"},{"k":2,"v":"q"}]}"#,
        #"{"_id":"5","n":[1],"s":"éclair"}"#,
        #"{"_id":"6","n":10,"s":"apple pie","o":{"x":10},"a":[2,4,6]}"#,
        #"{"_id":"7"}"#,
    ]

    @Test(
        "match what they match in CouchDB",
        arguments: [
            (#"{}"#, "1234567"), (#"{"n":2}"#, "2"), (#"{"n":{"$ne":1}}"#, "23456"),
            (#"{"n":{"$gt":2}}"#, "3456"), (#"{"n":{"$gte":2}}"#, "23456"), (#"{"n":{"$lt":3}}"#, "12"),
            (#"{"n":{"$lte":2,"$gt":1}}"#, "2"), (#"{"s":{"$gt":"apple","$lt":"d"}}"#, "236"),
            (#"{"n":{"$in":[1,10,"4"]}}"#, "1456"), (#"{"n":{"$nin":[1,10]}}"#, "234"),
            (#"{"a":{"$in":[2]}}"#, "16"), (#"{"nul":{"$exists":true}}"#, "3"),
            (#"{"o":{"$exists":false}}"#, "3457"), (#"{"n":{"$type":"number"}}"#, "1236"),
            (#"{"n":{"$type":"array"}}"#, "5"), (#"{"nul":{"$type":"null"}}"#, "3"),
            (#"{"a":{"$size":3}}"#, "16"), (#"{"a":{"$size":0}}"#, "3"), (#"{"n":{"$mod":[2,0]}}"#, "26"),
            (#"{"s":{"$regex":"^ap+le"}}"#, "16"), (#"{"s":{"$beginsWith":"apple"}}"#, "16"),
            (#"{"a":{"$all":[2,1]}}"#, "1"), (#"{"a":{"$elemMatch":{"$gt":3}}}"#, "246"),
            (#"{"a":{"$elemMatch":{"k":2,"v":"q"}}}"#, "4"),
            (#"{"a":{"$allMatch":{"$type":"number"}}}"#, "16"),
            (#"{"o":{"$keyMapMatch":{"$eq":"y"}}}"#, "1"), (#"{"$and":[{"n":{"$gt":0}},{"b":true}]}"#, "1"),
            (#"{"$or":[{"n":1},{"s":"cherry"}]}"#, "13"), (#"{"$not":{"n":1}}"#, "23456"),
            (#"{"$nor":[{"n":1},{"n":2}]}"#, "3456"), (#"{"n":{"$not":{"$gt":1}}}"#, "1"),
            (#"{"o.y.z":"deep"}"#, "1"), (#"{"o":{"x":1}}"#, "1"), (#"{"o":{"$eq":{"x":2}}}"#, "2"),
            (#"{"a.0":1}"#, "1"), (#"{"b":true,"s":"apple"}"#, "1"), (#"{"_id":{"$gt":"5"}}"#, "67"),
            (#"{"a":[1,2,3]}"#, "1"), (#"{"a":[]}"#, "3"), (#"{"a.b":{"$exists":false}}"#, "57"),
            (#"{"a":{"$elemMatch":{"$nor":[{"$eq":1}]}}}"#, "1246"), (#"{"n":1.0}"#, "1"),
            (#"{"n":{"$not":{"$regex":"4"}}}"#, "12356"), (#"{"$or":[]}"#, ""), (#"{"$and":[]}"#, "1234567"),
        ]
    )
    func matching(_ text: String, _ expected: String) throws {
        let selector = try Selector(try json(text))
        for document in Self.documents {
            let value = try json(document)
            let isExpected = expected.utf8.contains {
                [$0] == value["_id"].map { Array(($0.string ?? "").utf8) }
            }
            #expect(selector.matches(Array(document.utf8), LetterCollator()) == isExpected, "\(document)")
            #expect(selector.matches(value, LetterCollator()) == isExpected, "\(document)")
        }
    }

    @Test(
        "are brought into CouchDB's normal form",
        arguments: [
            (#"{}"#, #"{}"#), (#"{"a":1}"#, #"{"a":{"$eq":1}}"#), (#"{"a":{"b":1}}"#, #"{"a.b":{"$eq":1}}"#),
            (#"{"a":1,"b":{"$gt":2}}"#, #"{"$and":[{"a":{"$eq":1}},{"b":{"$gt":2}}]}"#),
            (#"{"a":{"$gt":1,"$lt":5}}"#, #"{"$and":[{"a":{"$gt":1}},{"a":{"$lt":5}}]}"#),
            (
                #"{"a":{"$and":[{"b":1},{"$exists":true}]}}"#,
                #"{"$and":[{"a.b":{"$eq":1}},{"a":{"$exists":true}}]}"#
            ),
            (#"{"$not":{"a":1}}"#, #"{"a":{"$ne":1}}"#),
            (#"{"a":{"$not":{"$in":[1]}}}"#, #"{"a":{"$nin":[1]}}"#),
            (#"{"$nor":[{"a":1},{"b":{"$lt":1}}]}"#, #"{"$and":[{"a":{"$ne":1}},{"b":{"$gte":1}}]}"#),
            (#"{"$not":{"a":1,"b":2}}"#, #"{"$or":[{"a":{"$ne":1}},{"b":{"$ne":2}}]}"#),
            (#"{"$not":{"$not":{"a":1}}}"#, #"{"a":{"$eq":1}}"#),
            (#"{"$not":{"a":{"$exists":false}}}"#, #"{"a":{"$exists":true}}"#),
            (#"{"$not":{"a":{"$size":1}}}"#, #"{"a":{"$not":{"$size":1}}}"#),
            (#"{"a":{}}"#, #"{"a":{"$eq":{}}}"#),
            (
                #"{"a":{"$elemMatch":{"$gt":1,"$lt":3}}}"#,
                #"{"a":{"$elemMatch":{"$and":[{"":{"$gt":1}},{"":{"$lt":3}}]}}}"#
            ),
            (#"{"a":{"$elemMatch":{"b":{"c":1}}}}"#, #"{"a":{"$elemMatch":{"b.c":{"$eq":1}}}}"#),
        ]
    )
    func normalForm(_ text: String, _ expected: String) throws {
        let normalized = JSONValue.object(try Selector(try json(text)).normalized)
        #expect(normalized.text == expected)
        #expect(try Selector(normalized).normalized == normalized.object)
    }

    @Test(
        "that make no sense are refused in CouchDB's words",
        arguments: [
            (#"{"a":{"$bad":1}}"#, "invalid_operator: Invalid operator: $bad"),
            (#"{"$bad":[]}"#, "invalid_operator: Invalid operator: $bad"),
            (#"{"$or":{}}"#, "bad_arg: Bad argument for operator $or: {[]}"),
            (#"{"$not":5}"#, "bad_arg: Bad argument for operator $not: 5"),
            (#"{"a":{"$regex":"("}}"#, "bad_arg: Bad argument for operator $regex: <<40>>"),
            (#"{"a":{"$regex":5}}"#, "invalid_operator: Invalid operator: $regex"),
            (#"{"a":{"$in":"x"}}"#, "bad_arg: Bad argument for operator $in: <<120>>"),
            (#"{"a":{"$size":-1}}"#, "bad_arg: Bad argument for operator $size: -1"),
            (#"{"a":{"$size":1.5}}"#, "bad_arg: Bad argument for operator $size: 1.5"),
            (#"{"a":{"$mod":[1.5,0]}}"#, "bad_arg: Bad argument for operator $mod: [1.5,0]"),
            (#"{"a":{"$exists":"yes"}}"#, "bad_arg: Bad argument for operator $exists: <<121,101,115>>"),
            (#"{"$gt":5}"#, "invalid_selector: One or more conditions is missing a field name."),
            (#"{"a":{"$near":5}}"#, "not_supported: Unsupported operator: $near"),
            (#""x""#, "invalid_selector_json: Selector must be a JSON object, not: <<120>>"),
            (
                #"{"a":{"$text":"x"}}"#,
                "bad_field: Invalid field normalization on selector: "
                    + "{[{<<36,100,101,102,97,117,108,116>>,{[{<<36,116,101,120,116>>,<<120>>}]}}]}"
            ),
        ]
    )
    func errors(_ text: String, _ expected: String) throws {
        let error = #expect(throws: SettleError.self) { try Selector(try json(text)) }
        #expect(error?.description == expected)
    }

    @Test("numbers compare by worth at any size")
    func numbers() throws {
        let ascending = [
            "-123456789012345678901234567890", "-1e19", "-9223372036854775808", "-1.5", "-1", "0", "0.5", "1",
            "9007199254740992", "9007199254740993", "9223372036854775807", "9223372036854775808", "1e300",
        ]
        for (index, low) in ascending.enumerated() {
            for (other, high) in ascending.enumerated() {
                let selector = try Selector(try json(#"{"n":{"$lt":\#(high)}}"#))
                #expect(selector.matches(Array(#"{"n":\#(low)}"#.utf8), LetterCollator()) == (index < other))
            }
        }
        let selector = try Selector(try json(#"{"n":{"$mod":[7,-3]}}"#))
        #expect(
            selector.matches(Array(#"{"n":-123456789012345678901234567891}"#.utf8), LetterCollator())
                == (-(123_456_789_012_345_678_901_234_567_891 as Int128 % 7) == -3)
        )
    }

    @Test("a field's name may hold a dot behind a backslash")
    func escapes() throws {
        let selector = try Selector(try json(#"{"a\\.b.c":1}"#))
        #expect(selector.matches(Array(#"{"a.b":{"c":1}}"#.utf8), LetterCollator()))
        #expect(!selector.matches(Array(#"{"a":{"b":{"c":1}}}"#.utf8), LetterCollator()))
    }

    @Test("a beginning ends with a whole character")
    func beginnings() throws {
        let selector = try Selector(try json(#"{"s":{"$beginsWith":"e"}}"#))
        #expect(selector.matches(Array("{\"s\":\"eclair\"}".utf8), LetterCollator()))
        #expect(!selector.matches(Array("{\"s\":\"e\u{301}clair\"}".utf8), LetterCollator()))
    }

    @Test("fields are cut out of a document with their way to them")
    func fields() throws {
        let document = try json(#"{"_id":"a","n":1,"o":{"x":1,"y":[2,3]}}"#)
        let selection = try FieldSelection(try json(#"["o.x","_id","none","o.y.1"]"#))
        #expect(selection.extract(from: document).text == #"{"o":{"x":1,"y":{"1":3}},"_id":"a"}"#)
        #expect(try FieldSelection(try json("[]")).extract(from: document) == document)
        #expect(throws: SettleError.self) { try FieldSelection(try json(#""n""#)) }
    }
}
