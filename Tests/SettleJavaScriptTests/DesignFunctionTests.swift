#if JavaScript
import SettleCore
import SettleJavaScript
import Testing

@Suite("Functions of design documents")
struct DesignFunctionTests {
    private let engine = InProcessEngine(threadCount: 1)
    private let design = Programs.design([
        "lib": [
            "check": "exports.ok=function(n){return n>10}; exports.name=module.id",
            "deep": ["er": "var c=require('../check'); exports.twice=function(n){return c.ok(n)?n*2:-1}"],
            "a": "exports.b=require('./b'); exports.x=1", "b": "exports.a=require('./a')", "bad": "throw 'x'",
        ],
        "filters": [
            "big": "function(d,r){return require('lib/check').ok(d.n) && r.query.q}",
            "none": "function(d){return require('lib/none')}", "object": "function(d){return require('lib')}",
            "bad": "function(d){return require('lib/bad')}",
            "circle": "function(d){return toJSON(require('lib/a')) === '{\"b\":{\"a\":{}},\"x\":1}'}",
        ],
        "views": ["v": ["map": "function(d){if(d.n)emit(1)}"]],
        "validate_doc_update": """
        function(n,o,u,s){
          if(n.t===1)throw({forbidden:'no'}); if(n.t===2)throw({unauthorized:'who'}); if(n.t===3)throw('plain');
          if(n.t===4)undefinedFunction(); if(n.t===5)throw({forbidden:{field:'t',max:4}}); if(o&&o.locked)throw({forbidden:toJSON([u.name,s.x,this._id])})}
        """,
        "updates": [
            "inc": "function(doc,req){doc.n++; return [doc,'n is '+doc.n]}",
            "twice": "function(doc,req){return [null,''+require('lib/deep/er').twice(req.n)]}",
            "throws": "function(doc,req){throw({forbidden:'not here'})}",
        ],
        "shows": [
            "plain": "function(doc,req){return doc?'t='+doc.t:'none'}",
            "kinds": """
            function(doc,req){provides('html',function(){return '<b>'}); provides('json',function(){return '{}'})}
            """,
            "throws": "function(doc){throw(['error','oops','really'])}",
        ],
        "lists": [
            "rows": """
            function(head,req){var r;send('start;');while(r=getRow()){send(r.id+';')}return 'end '+head.total_rows}
            """,
            "typed":
                "function(head,req){start({code:201,headers:{'Content-Type':'text/csv'}});send(toJSON(head))}",
        ],
        "rewrites": "function(req){return req.p ? 'x/y' : {path:'z',query:{a:1}}}",
    ])

    private func text(_ value: JSONValue) -> [UInt8] { value.bytes }

    private func failure<Answer>(_ question: FunctionQuestion<Answer>) -> SettleError? {
        do throws(SettleError) {
            _ = try engine.ask(question, of: design)
            return nil
        } catch {
            return error
        }
    }

    @Test("filters choose documents, views choose those they emit for")
    func filters() throws {
        let documents = [text(["n": 5]), text(["n": 50]), text([:])]
        let request = text(["query": ["q": "1"]])
        #expect(
            try engine.ask(.filter("big", documents: documents, request: request), of: design) == [
                false, true, false,
            ]
        )
        #expect(try engine.ask(.viewFilter("v", documents: documents), of: design) == [true, true, false])
        #expect(
            try engine.ask(.filter("circle", documents: [text([:])], request: request), of: design) == [true]
        )
    }

    @Test(
        "modules that cannot be had are told in CouchDB's words",
        arguments: [
            ("object", "invalid_require_path", "Must require a JavaScript string, not: object"),
            ("none", "invalid_require_path", "Object has no property \"none\". {"),
            ("bad", "compilation_error", "Module require('lib/bad') raised error (new String(\"x\"))"),
            ("missing", "not_found", "missing json key: missing"),
        ]
    )
    func modules(name: String, error: String, reason: String) throws {
        let thrown = try #require(failure(.filter(name, documents: [text([:])], request: text([:]))))
        #expect(thrown.name == error && thrown.reason.hasPrefix(reason))
    }

    @Test("validators allow, forbid, and fail")
    func validators() throws {
        let writes = (0...4).map {
            ValidatedWrite(document: text(["t": .number(JSONNumber($0))]), previous: nil)
        }
        let locked = ValidatedWrite(document: text(["n": 1]), previous: text(["locked": true]))
        let verdicts = try engine.ask(
            .validate(writes + [locked], userContext: text(["name": "ann"]), security: text(["x": 5])),
            of: design
        )
        #expect(
            verdicts == [
                nil, SettleError(.forbidden, "no"), SettleError(.unauthorized, "who"),
                SettleError(function: "unknown_error", reason: "plain"),
                SettleError(function: "ReferenceError", reason: "undefinedFunction is not defined"),
                SettleError(.forbidden, #"["ann",5,"_design/test"]"#),
            ]
        )
    }

    @Test("what a validator throws as forbidden reaches the writer as it is, object or text")
    func thrownValues() throws {
        let writes = [1, 5].map {
            ValidatedWrite(document: text(["t": .number(JSONNumber($0))]), previous: nil)
        }
        let verdicts = try engine.ask(
            .validate(writes, userContext: text([:]), security: text([:])),
            of: design
        )
        let reasons = verdicts.map { error -> String in
            var reason: [UInt8] = []
            error?.appendReason(to: &reason)
            return String(decoding: reason, as: UTF8.self)
        }
        #expect(reasons == [#""no""#, #"{"field":"t","max":4}"#])
        #expect(verdicts.map { $0?.status } == [403, 403])
        #expect(verdicts[1]?.reason == #"{"field":"t","max":4}"#)
    }

    @Test("updates give a document and a response")
    func updates() throws {
        let answer = try engine.ask(
            .update("inc", document: text(["n": 1]), request: text(["method": "POST"])),
            of: design
        )
        #expect(answer.document == ["n": 2] && answer.response == ["body": "n is 2"])
        let none = try engine.ask(.update("twice", document: nil, request: text(["n": 50])), of: design)
        #expect(none.document == Optional.none && none.response["body"] == "100")
        #expect(
            failure(.update("inc", document: nil, request: text(["method": "GET"])))
                == SettleError(.methodNotAllowed, "Update functions do not allow GET")
        )
        #expect(
            failure(.update("throws", document: nil, request: text(["method": "PUT"])))
                == SettleError(
                    function: "render_error",
                    reason: "function raised error: ({forbidden:\"not here\"}) \nstacktrace: undefined"
                )
        )
    }

    @Test("shows answer, in the representation that is asked for")
    func shows() throws {
        let plain = text(["headers": [:], "path": []])
        #expect(try engine.ask(.show("plain", document: nil, request: plain), of: design) == ["body": "none"])
        for (accept, type, body) in [
            ("text/html", "text/html; charset=utf-8", "<b>"), ("application/json", "application/json", "{}"),
            ("text/*;q=0.3, application/*", "application/json", "{}"),
        ] {
            let request = text(["headers": ["Accept": .string(accept)], "path": []])
            let answer = try engine.ask(.show("kinds", document: nil, request: request), of: design)
            #expect(answer["body"] == .string(body))
            #expect(answer["headers"]?["Content-Type"] == .string(type))
        }
        let image = text(["headers": ["Accept": "image/png"], "path": []])
        #expect(failure(.show("kinds", document: nil, request: image))?.kind == .notAcceptable)
        #expect(
            failure(.show("throws", document: nil, request: plain))
                == SettleError(function: "oops", reason: "really")
        )
    }

    @Test("lists walk rows, rewrites change requests")
    func listsAndRewrites() throws {
        let head = text(["total_rows": 2])
        let rows = [text(["id": "a"]), text(["id": "b"])]
        let answer = try engine.ask(.list("rows", head: head, rows: rows, request: text([:])), of: design)
        #expect(answer["body"] == "start;a;b;end 2")
        let typed = try engine.ask(.list("typed", head: head, rows: [], request: text([:])), of: design)
        #expect(typed["code"] == 201 && typed["body"] == #"{"total_rows":2}"#)
        #expect(typed["headers"]?["Content-Type"] == "text/csv")
        #expect(try engine.ask(.rewrite(request: text(["p": 1])), of: design) == ["path": "x/y"])
    }

    @Test(
        "sources that are none are refused in CouchDB's words",
        arguments: [
            (
                "function(d){",
                "(new Error(\"Line 1: Unexpected end of input\", \"./share/server/main.js\", 1)) (function(d){)"
            ),
            (
                "not a function",
                "(new Error(\"Line 1: Unexpected identifier\", \"./share/server/main.js\", 1)) (not a function)"
            ),
            (
                "function(d){\n if (x }",
                "(new Error(\"Line 2: Unexpected token }\", \"./share/server/main.js\", 2)) (function(d){\n if (x })"
            ),
            ("emit(1)", "Expression does not eval to a function. (emit(1))"),
        ]
    )
    func compilation(source: String, reason: String) {
        #expect(
            failure(.compile(Array(source.utf8)))
                == SettleError(function: "compilation_error", reason: reason)
        )
        #expect(failure(.compile([])) == SettleError(.notFound, "missing function"))
        #expect(failure(.compile(Array("d => 1".utf8))) == nil)
    }

    @Test("reduce functions see keys, ids and values; those that throw give null")
    func reduces() throws {
        let program = Programs.views(
            reduces: [
                "function(k,v,r){return r ? sum(v) : v.length}", "function(k,v,r){return k && k[0]}",
                "function(k,v){throw 'no'}", "function(k,v){}",
            ]
        )
        var batch = ReduceBatch(functions: [0, 1, 2, 3])
        for group in [["1", "2"], ["3"]] {
            batch.beginGroup()
            for key in group {
                batch.append(key: Array(key.utf8)[...], id: [0x61], value: Array("5".utf8)[...])
            }
        }
        let reduced = try engine.ask(.reduce(batch), of: program)
        let texts = reduced.map { $0.reductions.map { String(decoding: $0, as: UTF8.self) } }
        #expect(texts == [["2", #"[1,"a"]"#, "null", "null"], ["1", #"[3,"a"]"#, "null", "null"]])
        var again = RereduceBatch(functions: [0])
        again.append([[Array("2".utf8)[...], Array("1".utf8)[...]]])
        #expect(try engine.ask(.rereduce(again), of: program).first?.reductions == [Array("3".utf8)])
    }

    @Test("a reduction that hardly reduces is an overflow")
    func overflow() throws {
        let program = Programs.views(reduces: ["function(k,v,r){return v.join('')}"])
        var batch = ReduceBatch(functions: [0])
        for _ in 0..<2 {
            batch.beginGroup()
            batch.append(
                key: Array("1".utf8)[...],
                id: [0x61],
                value: Array("\"\(String(repeating: "x", count: 100))\"".utf8)[...]
            )
        }
        for _ in 0..<100 {
            batch.append(
                key: Array("1".utf8)[...],
                id: [0x61],
                value: Array("\"\(String(repeating: "x", count: 100))\"".utf8)[...]
            )
        }
        let answers = try engine.ask(.reduce(batch), of: program)
        #expect(answers[0].overflow == nil)
        #expect(answers[1].overflow?.name == "reduce_overflow_error")
    }
}
#endif
