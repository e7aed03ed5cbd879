// What stands between a program's functions and the engine: a script of our own, in which all questions are answered.
//
// It runs in a realm of its own (a global object with its own `JSON`, `Array`, `Object`), the program's functions run in
// another one, as in CouchDB's query server. So a design document may redefine what it likes: it breaks its own
// functions, never how they are called. Documents are parsed by the library itself, in the program's realm.
//
//     harness realm                          program's realm
//     handle(["map",[doc,…]]) ── calls ──►   function (doc) { emit(doc.n, 1) }
//     emit(key, value)        ◄── calls ──   (a property of the global object)
//
// The rows of one document and function are put into JSON as soon as the function returns: what it changes later does
// not change them, and what cannot be put into JSON counts as a failure of this document only.
//
// The subtle thing is that a function must never be called as a method of one of the harness's own arrays or objects,
// for `this` would be a way in.

/// The script's parts, one expression together: a function that makes the functions that the engine calls.
///
/// It takes the program's global object, the program, a counter, names to remove, and a function that gives the error of
/// a script that doesn't parse.
enum Harness {
    static let source = """
        (function (realm, program, progress, removed, syntaxError) {
        "use strict";
        \(values)
        \(modules)
        \(views)
        \(rendering)
        \(questions)
        })
        """

    /// Names of the global object that CouchDB's functions don't see.
    static let removed = ["console", "WebAssembly", "SharedArrayBuffer", "Atomics"]

    /// How failures and other values are worded, and what is logged.
    private static let values = #"""
        const own = (object, name) => Object.prototype.hasOwnProperty.call(object, name);
        const quoted = (text) => JSON.stringify(String(text));

        // What SpiderMonkey's toSource() says, in which CouchDB words what functions throw.
        function source(value, depth = 0) {
          if (value === undefined) return "(void 0)";
          if (value === null) return "null";
          const top = depth === 0;
          switch (typeof value) {
            case "string": return top ? "(new String(" + quoted(value) + "))" : quoted(value);
            case "number": return top ? "(new Number(" + value + "))" : String(value);
            case "boolean": return top ? "(new Boolean(" + value + "))" : String(value);
            case "function": return "(" + Function.prototype.toString.call(value) + ")";
            case "object": break;
            default: return String(value);
          }
          if (depth > 4) return "{}";
          if (isError(value)) {
            return "(new " + String(value.name) + "(" + quoted(spoken(value)) + ", \"./share/server/main.js\", "
              + (Number(value.line) || 1) + "))";
          }
          if (Array.isArray(value)) {
            const parts = [];
            for (let i = 0; i < value.length && i < 100; i++) parts.push(source(value[i], depth + 1));
            return "[" + parts.join(", ") + "]";
          }
          const parts = [];
          for (const name in value) {
            if (!own(value, name)) continue;
            if (parts.length === 100) break;
            parts.push((/^[A-Za-z_$][\w$]*$/.test(name) ? name : quoted(name)) + ":" + source(value[name], depth + 1));
          }
          return top ? "({" + parts.join(", ") + "})" : "{" + parts.join(", ") + "}";
        }

        function isError(value) {
          return typeof value === "object" && value !== null && typeof value.name === "string"
            && typeof value.message === "string" && own(value, "stack");
        }

        // The words that CouchDB's engine has for the commonest mistake.
        function spoken(error) {
          const found = /^Can't find variable: (.*)$/.exec(error.message);
          return found ? found[1] + " is not defined" : String(error.message);
        }

        // A value may throw when it is looked at.
        function worded(value) {
          try { return source(value); } catch (error) { return "(an exception that cannot be shown)"; }
        }

        // The first element of what CouchDB's functions throw to be understood.
        function tag(thrown) {
          try { return thrown[0]; } catch (error) { return undefined; }
        }

        const Log = {
          lines: [],
          add(message) {
            if (Log.lines.length < 100) Log.lines.push(message.length > 4000 ? message.slice(0, 4000) + "…" : message);
          },
          take() {
            if (Log.lines.length === 0) return undefined;
            const text = JSON.stringify(Log.lines);
            Log.lines = [];
            return text;
          }
        };

        function failure(name, reason) {
          return JSON.stringify({
            error: typeof name === "string" ? name : worded(name),
            reason: typeof reason === "string" ? reason : reason === undefined ? "" : JSON.stringify(reason)
          });
        }

        // What CouchDB answers when a question ends with an exception.
        function answerOf(thrown) {
          try {
            if (thrown !== null && thrown !== undefined) {
              if (thrown[0] === "fatal" || thrown[0] === "error") return failure(thrown[1], thrown[2]);
              if (thrown.error && thrown.reason) return failure(thrown.error, thrown.reason);
              if (typeof thrown.name === "string" && thrown.name) {
                return failure(thrown.name, isError(thrown) ? spoken(thrown) : thrown);
              }
            }
            return failure("unnamed_error", worded(thrown));
          } catch (error) {
            return failure("unnamed_error", "(an exception that cannot be shown)");
          }
        }
        """#

    /// Compiling sources, and `require`.
    private static let modules = #"""
        const evaluate = realm.eval;
        for (const name of removed) delete realm[name];

        // The words of CouchDB's parser for what ours complains about.
        function syntaxMessage(message) {
          let found;
          if (/end of script|Unexpected EOF/.test(message)) return "Unexpected end of input";
          if (/^Unexpected (identifier|escaped identifier|private name)/.test(message)) return "Unexpected identifier";
          if (/^Unexpected number/.test(message)) return "Unexpected number";
          if (/^Unexpected (string|template) literal/.test(message)) return "Unexpected string";
          if (/^Invalid character|^Unterminated|^Unexpected unterminated|^Invalid/.test(message)) {
            return "Unexpected token ILLEGAL";
          }
          found = /^Unexpected (?:token|keyword|use of keyword) '([^']*)'/.exec(message);
          return found ? "Unexpected token " + found[1] : message.split(". ")[0];
        }

        // An anonymous function is no statement, so it is evaluated as what follows a comma. Statements may come
        // before it, and functions with names: then the first place where a comma makes it a program is the right one.
        function evaluateFunction(text) {
          if (!syntaxError("0," + text)) return evaluate("0," + text);
          const asStatement = syntaxError(text);
          if (!asStatement) return evaluate(text);
          const word = /\bfunction\b/g;
          for (let found = word.exec(text), tries = 0; found && tries < 50; found = word.exec(text), tries++) {
            const candidate = text.slice(0, found.index) + "0," + text.slice(found.index);
            if (!syntaxError(candidate)) return evaluate(candidate);
          }
          const isNameless = /must have a name|Expected identifier/.test(asStatement.message)
            || /^\s*function\b/.test(text);
          const error = isNameless ? syntaxError("0," + text) : asStatement;
          const line = Number(error.line) || 1;
          throw ["syntax", "(new Error(" + quoted("Line " + line + ": " + syntaxMessage(String(error.message)))
            + ", \"./share/server/main.js\", " + line + "))"];
        }

        function compile(text) {
          if (!text) throw ["error", "not_found", "missing function"];
          text = String(text);
          let result;
          try {
            result = evaluateFunction(text);
          } catch (error) {
            const words = tag(error) === "syntax" ? error[1] : worded(error);
            throw ["error", "compilation_error", words + " (" + text + ")"];
          }
          if (typeof result !== "function") {
            throw ["error", "compilation_error", "Expression does not eval to a function. (" + text + ")"];
          }
          return result;
        }

        const Modules = {
          exports: new Map(),

          // Walks along the parts of a path: from the folder that a module is in, or from the program.
          resolve(parts, folder) {
            const isRelative = parts[0] === "." || parts[0] === "..";
            let place = isRelative ? folder : { current: program, parent: undefined, id: "" };
            for (const part of parts) {
              if (part === "." || part === "..") {
                if (!place || (part === ".." && !place.parent)) {
                  throw Modules.failure("Object has no parent ", place && place.current);
                }
                if (part === "..") place = place.parent;
                continue;
              }
              const object = place.current;
              if (typeof object !== "object" || object === null || !own(object, part) || !object[part]) {
                throw Modules.failure("Object has no property \"" + part + "\". ", object);
              }
              place = { current: object[part], parent: place, id: place.id ? place.id + "/" + part : part };
            }
            if (typeof place.current !== "string") {
              throw ["error", "invalid_require_path", "Must require a JavaScript string, not: " + typeof place.current];
            }
            return place;
          },

          failure(words, object) {
            return ["error", "invalid_require_path", words + JSON.stringify(object)];
          },

          require(name, folder) {
            const found = Modules.resolve(String(name).split("/"), folder);
            if (!Modules.exports.has(found.id)) {
              // Two modules that require each other get nothing of the one that is not finished.
              Modules.exports.set(found.id, {});
              const module = realm.Object();
              module.id = found.id;
              module.current = found.current;
              module.exports = realm.Object();
              try {
                const body = evaluate("(function (module, exports, require) { " + found.current + "\n });");
                Reflect.apply(body, realm, [module, module.exports, (name) => Modules.require(name, found.parent)]);
              } catch (error) {
                Modules.exports.delete(found.id);
                throw ["error", "compilation_error", "Module require('" + name + "') raised error " + worded(error)];
              }
              Modules.exports.set(found.id, module.exports);
            }
            return Modules.exports.get(found.id);
          }
        };
        """#
}
