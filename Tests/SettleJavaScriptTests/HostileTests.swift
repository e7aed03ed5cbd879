#if JavaScript
import SettleCore
import SettleJavaScript
import Testing

@Suite("Hostile functions")
struct HostileTests {
    private let engine = InProcessEngine(threadCount: 1)
    private let tooLong = SettleError(function: "os_process_error", reason: "OS process timed out.")

    @Test(
        "that do not end are stopped, and others go on",
        arguments: [
            "function(doc){while(true){}}", "function(doc){try { while(true){} } catch (e) {} }",
            "function(doc){try { while(true){} } finally { while(true){} } }", "while (true) {}",
            "function(doc){emit({toJSON: function(){ while (true) {} }})}",
        ]
    )
    func endless(source: String) throws {
        #expect(throws: tooLong) {
            try engine.rows(of: ["{}"], by: Programs.views(source), seconds: 0.1)
        }
        #expect(try engine.rows(of: ["{}"], by: Programs.views("doc => emit(1)")) == ["0/0 1 null"])
        #expect(throws: tooLong) {
            try engine.rows(of: ["{}"], by: Programs.views(source), seconds: 0.1)
        }
    }

    @Test("may take their time for each document of many")
    func slow() throws {
        let program = Programs.views(
            "function(doc){var end = Date.now() + 30; while (Date.now() < end) {} emit(1)}"
        )
        let documents = Array(repeating: "{}", count: 20)
        #expect(try engine.rows(of: documents, by: program, seconds: 0.3).count == 20)
    }

    @Test("that recurse for ever have no rows")
    func recursion() throws {
        let program = Programs.views("function f(doc){ return f(doc) + 1 }", "doc => emit(1)")
        #expect(try engine.rows(of: ["{}"], by: program) == ["0/1 1 null"])
    }

    @Test("may emit a million rows for one document")
    func millionRows() throws {
        let program = Programs.views("function(doc){for (var i = 0; i < 1e6; i++) emit(i, i)}")
        let rows = try engine.ask(.map([Array("{}".utf8)]), of: program)
        #expect(rows.rows.count == 1_000_000)
        #expect(rows.rows.last.map { String(decoding: rows.text[$0.key], as: UTF8.self) } == "999999")
    }

    @Test(
        "that redefine what everybody uses break themselves alone",
        arguments: [
            "function(doc){JSON = null; emit(1)}",
            "function(doc){JSON.stringify = JSON.parse = function(){throw 1}; emit(1)}",
            "function(doc){Object = Array = String = Map = undefined; emit(1)}",
            "function(doc){Array.prototype.push = Array.prototype.join = function(){throw 1}; emit(1)}",
            "function(doc){Function.prototype.call = Function.prototype.apply = null; emit(1)}",
            "function(doc){Object.prototype.error = 'x'; Object.prototype.reason = 'y'; emit(1)}",
            "function(doc){eval = null; emit(1)}",
            "function(doc){Error.prototype.name = 5; emit(1)}",
        ]
    )
    func redefinitions(source: String) throws {
        let program = Programs.views(source)
        #expect(try engine.rows(of: ["{}", "{}"], by: program) == ["0/0 1 null", "1/0 1 null"])
        #expect(
            try engine.rows(of: ["{}"], by: Programs.views("doc => emit(JSON.stringify([1]))")).count == 1
        )
    }

    @Test("that break the answer are told so")
    func brokenAnswers() throws {
        let program = Programs.views(
            "function(doc){emit.constructor('return this')().JSON.stringify = function(){return ']'}; emit(1)}"
        )
        #expect(throws: SettleError.self) { try engine.rows(of: ["{}"], by: program) }
    }

    @Test(
        "throw what they like",
        arguments: [
            "throw undefined", "throw null", "throw 5", "throw Object.create(null)", "throw function(){}",
            "throw {get name(){throw 1}, get error(){throw 2}}",
            "throw new Proxy({}, {get: function(){throw 1}})",
            "throw Symbol('x')", "var e = new Error('x'); e.name = {}; throw e", "throw [[[[[[[[]]]]]]]]",
            "var o = {}; o.o = o; throw o", "emit(1n)", "var o = {}; o.o = o; emit(o)", "throw {0: 5}",
        ]
    )
    func oddExceptions(body: String) throws {
        let program = Programs.views("function(doc){\(body)}", "doc => emit(1)")
        #expect(try engine.rows(of: ["{}"], by: program) == ["0/1 1 null"])
        let design = Programs.design([
            "updates": ["u": .string("function(doc, req){\(body)}")],
            "validate_doc_update": .string("function(doc){\(body)}"),
            "filters": ["f": .string("function(doc){\(body)}")],
        ])
        #expect(throws: SettleError.self) {
            try engine.ask(.update("u", document: nil, request: Array("{}".utf8)), of: design)
        }
        let write = ValidatedWrite(document: Array("{}".utf8), previous: nil)
        let brackets = Array("{}".utf8)
        if !body.hasSuffix("emit(o)"), !body.hasSuffix("emit(1n)") {
            let verdict = try engine.ask(
                .validate([write], userContext: brackets, security: brackets),
                of: design
            )
            #expect(verdict.count == 1 && verdict[0] != nil)
            #expect(throws: SettleError.self) {
                try engine.ask(.filter("f", documents: [brackets], request: brackets), of: design)
            }
        }
    }

    @Test("may log without end")
    func logging() throws {
        let lines = Lines()
        let engine = InProcessEngine(threadCount: 1) { lines.add($0) }
        let program = Programs.views(
            "function(doc){var x = 'x'.repeat(1e6); for (var i = 0; i < 1e4; i++) log(x)}"
        )
        #expect(try engine.rows(of: ["{}"], by: program).isEmpty)
        #expect(lines.all.count == 100 && lines.all.allSatisfy { $0.utf8.count < 5000 })
    }
}
#endif
