// The replay itself under test: a comparison that cannot fail would make every scenario pass.

import SettleCore
import SettleTestSupport
import Testing

private func json(_ text: String) throws -> JSONValue { try JSONValue(parsingVisibly: Array(text.utf8)) }

private func answer(_ body: String, type: String = "application/json", headers: [(String, String)] = [])
    -> HTTPAnswer
{
    HTTPAnswer(
        status: 200,
        headers: [("content-type", type)] + headers.map { (name: $0.0, value: $0.1) },
        body: Array(body.utf8)
    )
}

/// Where the answer to a step with these hints differs from what was recorded, soft differences in brackets.
private func differences(_ recorded: String, _ got: HTTPAnswer, compare: String = "{}") throws -> [String] {
    let step = Step(number: 1, json: ["method": "GET", "compare": try json(compare)])
    let found = AnswerDifference.between(
        ComparableAnswer(recorded: try json(recorded)),
        ComparableAnswer(got, to: step),
        ComparisonHints(step.json["compare"])
    )
    return found.map { $0.isSoft ? "(\($0.place))" : $0.place }
}

@Suite("Comparing answers")
struct AnswerComparisonTests {
    @Test("equal answers do not differ, whatever the order of members")
    func equal() throws {
        let recorded =
            #"{"status":200,"headers":{"Content-Type":"application/json"},"json":{"a":1,"b":[true,null]}}"#
        #expect(try differences(recorded, answer(#"{"b":[true,null],"a":1}"#)) == [])
    }

    @Test(
        "every kind of difference is seen",
        arguments: [
            (#"{"a":1}"#, #"{"a":2}"#, "/a"), (#"{"a":1}"#, #"{"a":1.0}"#, "/a"),
            (#"{"a":0.0}"#, #"{"a":-0.0}"#, "/a"),
            (#"{"a":1}"#, #"{"a":"1"}"#, "/a"), (#"{"a":1}"#, "{}", "/a"), ("{}", #"{"a":1}"#, "/a"),
            (#"{"a":null}"#, "{}", "/a"), ("[1,2]", "[2,1]", "/0"), ("[1]", "[1,2]", "/1"),
            ("[1,2]", "[1]", "/1"),
            (#"{"a":{"b":[{"c":true}]}}"#, #"{"a":{"b":[{"c":false}]}}"#, "/a/b/0/c"),
            ("\"\u{E9}\"", "\"e\u{301}\"", ""), ("{}", "[]", ""),
            ("12345678901234567890", "12345678901234567891", ""),
        ]
    )
    func strict(recorded: String, got: String, place: String) throws {
        #expect(try differences(#"{"status":200,"json":\#(recorded)}"#, answer(got)).first == place)
    }

    @Test("a member named twice is a difference")
    func duplicates() throws {
        let recorded = #"{"status":200,"json":{"a":1}}"#
        #expect(try differences(recorded, answer(#"{"a":2,"a":1}"#)) == ["/<duplicate members>"])
    }

    @Test("status and recorded headers must be the same")
    func head() throws {
        let recorded = #"{"status":201,"headers":{"Content-Type":"text/plain","Location":"/x"},"json":{}}"#
        #expect(
            try differences(recorded, answer("{}")) == ["status", "header Content-Type", "header Location"]
        )
    }

    @Test("an entity tag nobody recorded, and the wording of a reason, are soft")
    func soft() throws {
        let recorded = #"{"status":200,"json":{"error":"bad","reason":"so"}}"#
        let got = answer(#"{"error":"bad","reason":"because"}"#, headers: [("ETag", #""x""#)])
        #expect(try differences(recorded, got) == ["(header ETag)", "(/reason)"])
        #expect(
            try differences(#"{"status":200,"json":{"reason":1}}"#, answer(#"{"reason":2}"#)) == ["/reason"]
        )
        let docs = #"{"status":200,"json":{"docs":[],"warning":"x"}}"#
        #expect(try differences(docs, answer(#"{"docs":[],"warning":"y"}"#)) == ["(/warning)"])
    }

    @Test("another kind of body is a difference, and so is a missing one")
    func bodies() throws {
        #expect(try differences(#"{"status":200,"json":{}}"#, answer("{}", type: "text/html")) == ["body"])
        #expect(try differences(#"{"status":200,"text":"a"}"#, answer("b", type: "text/html")) == [""])
        #expect(try differences(#"{"status":200,"json":{}}"#, answer("")) == ["body"])
        #expect(try differences(#"{"status":200}"#, answer("{}")) == ["body"])
        #expect(try differences(#"{"status":200,"json":{}}"#, answer("{")) == ["body"])
    }

    @Test("hints loosen and tighten as they say")
    func hints() throws {
        let recorded = #"{"status":200,"json":{"a":1,"b":2}}"#
        #expect(
            try differences(recorded, answer(#"{"b":2,"a":1}"#), compare: #"{"ordered":true}"#) == [
                " (member order)"
            ]
        )
        #expect(
            try differences(recorded, answer(#"{"b":2,"a":1,"c":3}"#), compare: #"{"subset":true}"#) == []
        )
        #expect(try differences(recorded, answer(#"{"a":1}"#), compare: #"{"subset":true}"#) == ["/b"])
        let ignored = #"{"status":200,"json":{"a":"<ignored>"}}"#
        #expect(try differences(ignored, answer(#"{"a":7}"#), compare: #"{"ignore":["/a"]}"#) == [])
        #expect(try differences(ignored, answer("{}"), compare: #"{"ignore":["/a"]}"#) == ["/a"])
        let unordered = #"{"status":200,"json":[{"a":1,"b":2},{"c":3}]}"#
        #expect(
            try differences(unordered, answer(#"[{"c":3},{"b":2,"a":1}]"#), compare: #"{"unordered":[""]}"#)
                == []
        )
        #expect(try differences(unordered, answer(#"[{"c":3},{"b":2,"a":1}]"#)) != [])
        let raw = #"{"status":200,"text":"[1e3]"}"#
        #expect(try differences(raw, answer("[1e3]"), compare: #"{"raw":true}"#) == [])
        #expect(try differences(raw, answer("[1000.0]"), compare: #"{"raw":true}"#) == [""])
    }
}

@Suite("Normalising answers")
struct NormalisationTests {
    @Test("sequences become their rank among the sequences of the body")
    func ranks() throws {
        let body = try json(
            #"{"results":[{"seq":"12-x"},{"seq":"3-y"}],"last_seq":12,"pending":3,"seq":"none"}"#
        )
        #expect(
            Normalisation.normalise(body, exactSequences: false)
                == (try json(
                    #"{"results":[{"seq":"seq#2"},{"seq":"seq#1"}],"last_seq":"seq#2","pending":3,"seq":"none"}"#
                ))
        )
        #expect(
            Normalisation.normalise(try json(#"{"update_seq":"7-z"}"#), exactSequences: true)
                == (try json(#"{"update_seq":"seq=7"}"#))
        )
    }

    @Test("volatile values keep their type only")
    func volatile() throws {
        let body = try json(
            #"{"uuid":"a","sizes":{"file":1},"bookmark":"nil","ref":null,"x":{"start_time":5}}"#
        )
        #expect(
            Normalisation.normalise(body, exactSequences: false)
                == (try json(
                    #"{"uuid":"<string>","sizes":"<object>","bookmark":"nil","ref":null,"x":{"start_time":"<number>"}}"#
                ))
        )
    }

    @Test(
        "headers lose what differs between runs, and nothing else",
        arguments: [
            ("Content-Type", #"Multipart/Mixed ; boundary="a;b""#, "multipart/mixed;boundary=*"),
            ("Content-Type", "text/plain; charset=utf-8", "text/plain;charset=utf-8"),
            ("Allow", "PUT,GET, HEAD", "GET,HEAD,PUT"), ("ETag", #""1-abc""#, #""1-abc""#),
            ("ETag", #""XYZ""#, "<opaque>"),
            ("ETag", #""1B2M2Y8AsgTpgAmY7PhCfg==""#, #""1B2M2Y8AsgTpgAmY7PhCfg==""#),
            ("Set-Cookie", "AuthSession=abc; Version=1; Path=/; HttpOnly", "AuthSession=*; Path=/; HttpOnly"),
            ("Set-Cookie", "AuthSession=; Path=/", "AuthSession=; Path=/"),
            ("Location", "http://x/y", "http://x/y"),
        ]
    )
    func headers(name: String, value: String, expected: String) {
        #expect(Normalisation.header(name, value) == expected)
    }

    @Test("feeds are read by line and by event, heartbeats dropped")
    func feeds() throws {
        let continuous = answer("{\"a\":1}\n\n{\"b\":2}\n")
        let lines = ComparableAnswer(continuous, to: Step(number: 1, json: ["feed": "continuous"]))
        #expect(lines.body?.value == (try json(#"[{"a":1},{"b":2}]"#)))
        let events = answer(
            "data: {\"seq\":\"1-x\"}\nid: \"1-x\"\n\nevent: heartbeat\ndata: \n\n",
            type: "text/event-stream"
        )
        let read = ComparableAnswer(events, to: Step(number: 1, json: ["feed": "eventsource"]))
        #expect(read.body?.value == (try json(#"[{"data":{"seq":"seq#1"},"seq":"seq#1"}]"#)))
    }

    @Test("a multipart body is read part by part, inner ones too")
    func multipart() throws {
        let body =
            "--A\r\nContent-Type: multipart/related; boundary=B\r\n\r\n--B\r\nContent-Type: application/json\r\n\r\n{\"a\":1}"
            + "\r\n--B--\r\n--A\r\nX-Doc-Id: z\r\n\r\nplain\r\n--A--"
        let read = ComparableAnswer(
            answer(body, type: "multipart/mixed; boundary=\"A\""),
            to: Step(number: 1, json: [:])
        )
        let expected = #"""
            [{"headers":{"Content-Type":"multipart/related;boundary=*"},
              "parts":[{"headers":{"Content-Type":"application/json"},"json":{"a":1}}]},
             {"headers":{"X-Doc-Id":"z"},"text":"plain"}]
            """#
        #expect(read.body?.value == (try json(expected)))
    }
}

@Suite("Variables")
struct VariablesTests {
    @Test("a string that is only a variable takes its type, others its text; unknown ones stay")
    func substitution() throws {
        var variables = Variables()
        variables["n"] = 5
        variables["s"] = "x"
        let value = try json(#"{"${s}":"${n}","b":["${s}-${n}","${unknown}","$${s}{","${"]}"#)
        #expect(variables.substitute(value) == (try json(#"{"x":5,"b":["x-5","${unknown}","$x{","${"]}"#)))
    }

    @Test("pointers lead into arrays and objects, with their escapes")
    func pointers() throws {
        let value = try json(#"{"a/b":[{"~":1}]}"#)
        #expect(value.value(at: "/a~1b/0/~0") == 1)
        #expect(value.value(at: "/a~1b/1") == nil)
        #expect(value.value(at: "") == value)
    }
}
