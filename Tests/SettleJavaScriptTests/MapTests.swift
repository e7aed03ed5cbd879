#if JavaScript
import SettleCore
import SettleJavaScript
import Synchronization
import Testing

@Suite("Map functions")
struct MapTests {
    private let engine = InProcessEngine(threadCount: 1)

    @Test("emit rows in the order of documents, functions and emissions")
    func emitInOrder() throws {
        let program = Programs.views(
            "function(doc){emit(doc.n, doc._id); emit([doc.n], null)}",
            "doc => emit(doc._id)"
        )
        let rows = try engine.rows(of: [#"{"_id":"a","n":1}"#, #"{"_id":"b","n":"x"}"#], by: program)
        #expect(
            rows == [
                #"0/0 1 "a""#, "0/0 [1] null", #"0/1 "a" null"#,
                #"1/0 "x" "b""#, #"1/0 ["x"] null"#, #"1/1 "b" null"#,
            ]
        )
    }

    @Test(
        "may be spelled in any way that makes a function",
        arguments: [
            "function(doc){emit(1)}", " function (doc) { emit(1) } ; ", "function(doc){emit(1)} // a comment",
            "function(doc){emit(1)}; /* one\nmore */", "(function(doc){emit(1)})", "doc => { emit(1) }",
            "(doc) => emit(1);", "// first\nfunction(doc){emit(1)}", "function named(doc){emit(1)}",
            "var one = 1; function(doc){emit(one)}",
            "function helper(){return 1}\nfunction(doc){emit(helper())}",
            "(function(){ var f = function(){return 1}; return function(doc){emit(f())} })()",
        ]
    )
    func spellings(source: String) throws {
        #expect(try engine.rows(of: ["{}"], by: Programs.views(source)) == ["0/0 1 null"])
    }

    @Test("put what JSON lacks as CouchDB does")
    func valuesWithoutJSON() throws {
        let program = Programs.views(
            """
            function(doc){emit(); emit(undefined, 0/0); emit(new Date(0), [undefined, function(){}, {u: undefined}]);
              emit(1e21, -0)}
            """
        )
        #expect(
            try engine.rows(of: ["{}"], by: program)
                == [
                    "0/0 null null", "0/0 null null", #"0/0 "1970-01-01T00:00:00.000Z" [null,null,{}]"#,
                    "0/0 1e+21 0",
                ]
        )
    }

    @Test("that throw leave their document out, and say why")
    func exceptions() throws {
        let sink = Lines()
        let engine = InProcessEngine(threadCount: 1) { sink.add($0) }
        let program = Programs.views(
            "function(doc){emit(0); if (doc.bad) throw({forbidden: 'x'}); doc.none.member; }",
            "function(doc){emit(doc._id)}"
        )
        let rows = try engine.rows(of: [#"{"_id":"a","bad":true}"#, #"{"_id":"b"}"#], by: program)
        #expect(rows == [#"0/1 "a" null"#, #"1/1 "b" null"#])
        #expect(sink.all.first == #"function raised exception ({forbidden:"x"}) with doc._id a"#)
        #expect(sink.all.last?.hasPrefix("function raised exception (new TypeError(") == true)
    }

    @Test("that throw what is fatal end the question")
    func fatal() {
        #expect(throws: SettleError(function: "map_runtime_error", reason: "function raised 'fatal_error'")) {
            try engine.rows(of: ["{}"], by: Programs.views("function(doc){throw('fatal_error')}"))
        }
        #expect(throws: SettleError(function: "mine", reason: "because")) {
            try engine.rows(
                of: ["{}"],
                by: Programs.views("function(doc){throw(['fatal','mine','because'])}")
            )
        }
    }

    @Test(
        "cannot change the document that the next function sees",
        arguments: [
            "function(doc){doc.n = 2; emit(doc.n)}", "function(doc){doc['n'] = 2; emit(doc.n)}",
            "function(doc){doc.n++; emit(doc.n)}", "function(doc){delete doc.n; emit(doc.n)}",
            "function(doc){Object.assign(doc, {n: 2}); emit(1)}",
            "function(doc){try { doc.a.push(2) } catch (e) {} emit(doc.n)}",
            "function(doc){try { doc.a.sort().reverse() } catch (e) {} emit(doc.n)}",
            "function(doc){[doc.n] = [2]; emit(doc.n)}", "function(doc){({x: doc.n} = {x: 2}); emit(doc.n)}",
            "function(doc){for (doc.n of [2]) {} emit(doc.n)}",
            "function(doc){for (doc.n in {x: 1}) {} emit(doc.n)}",
            "function(doc){doc.o.deep.x ||= 2; emit(doc.n)}",
            "function(doc){with (doc) { n = 2 } emit(doc.n)}",
            "function(doc){var f = 'sort'; try { doc.a[f]() } catch (e) {} emit(doc.n)}",
            "function(doc){doc.__proto__ = {}; emit(doc.n)}",
        ]
    )
    func frozen(source: String) throws {
        let program = Programs.views(source, "doc => emit(JSON.stringify(doc))")
        let rows = try engine.rows(of: [#"{"n":1,"a":[3,1],"o":{"deep":{}}}"#], by: program)
        #expect(rows.last == #"0/1 "{\"n\":1,\"a\":[3,1],\"o\":{\"deep\":{}}}" null"#)
    }

    @Test("silently fail to change documents, so that they emit what was there")
    func frozenValues() throws {
        let program = Programs.views("function(doc){doc.n = 2; doc.a.x = 1; emit(doc.n, doc.a)}")
        #expect(try engine.rows(of: [#"{"n":1,"a":{}}"#], by: program) == ["0/0 1 {}"])
    }

    @Test("have helpers")
    func helpers() throws {
        let program = Programs.views(
            "function(doc){emit([isArray(doc.a), sum(doc.a)], toJSON(doc.a)); log({a: 1})}"
        )
        #expect(try engine.rows(of: [#"{"a":[1,2,3]}"#], by: program) == [#"0/0 [true,6] "[1,2,3]""#])
    }

    @Test("don't see what is not CouchDB's")
    func hidden() throws {
        let program = Programs.views(
            "doc => emit([typeof console, typeof WebAssembly, typeof print, typeof load, typeof Map])"
        )
        #expect(
            try engine.rows(of: ["{}"], by: program)
                == [#"0/0 ["undefined","undefined","undefined","undefined","function"] null"#]
        )
    }

    @Test("may require modules of views.lib")
    func library() throws {
        let program = Programs.views(
            "function(doc){var l = require('views/lib/a/twice'); emit(l.twice(doc.n), l.id)}",
            library:
                #"{"a":{"twice":"exports.twice=function(n){return require('./one').one*n*2}; exports.id=module.id","#
                + #""one":"exports.one = 1"}}"#
        )
        #expect(try engine.rows(of: [#"{"n":2}"#], by: program) == [#"0/0 4 "views/lib/a/twice""#])
    }

    @Test("emit text that is whole, whatever they cut in two")
    func halves() throws {
        let program = Programs.views("function(doc){emit(doc.t.charAt(0), doc.t)}")
        #expect(try engine.rows(of: [#"{"t":"😀"}"#], by: program) == ["0/0 \"\u{FFFD}\" \"😀\""])
    }

    @Test("keep nothing of another program's globals")
    func separation() throws {
        let one = Programs.views("function(doc){mine = 1; Array.prototype.extra = 1; emit(typeof mine)}")
        let other = Programs.views("function(doc){emit([typeof mine, [].extra === undefined])}")
        #expect(try engine.rows(of: ["{}"], by: one) == [#"0/0 "number" null"#])
        #expect(try engine.rows(of: ["{}"], by: other) == [#"0/0 ["undefined",true] null"#])
    }
}

/// Lines that arrive on any thread.
final class Lines: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { lines.withLock { $0.append(line) } }

    var all: [String] { lines.withLock { $0 } }
}
#endif
