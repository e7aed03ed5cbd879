extension Harness {
    /// What functions see, and what the engine may ask.
    static let questions = #"""
        const helpers = {
          emit(key, value) { emitted[emitted.length] = [key, value]; },
          sum(values) {
            let total = 0;
            for (const index in values) total += values[index];
            return total;
          },
          log(message) { Log.add(typeof message === "string" ? message : String(JSON.stringify(message))); },
          toJSON(value) { return JSON.stringify(value); },
          isArray(value) { return Array.isArray(value); },
          require(name) { return Modules.require(name, undefined); },
          registerType(name, ...types) { Types.register(name, ...types); },
          provides(type, make) { Types.provided.push([type, make]); },
          start(response) { Output.response = response || {}; },
          send(chunk) { Output.chunks.push(chunk.toString()); },
          getRow() { return Output.row(); }
        };
        for (const name in helpers) {
          Object.defineProperty(realm, name,
            { value: helpers[name], writable: true, enumerable: true, configurable: true });
        }

        // The functions of a design document by where they are in it; compiled once.
        const compiled = new Map();
        function functionAt(...path) {
          const key = JSON.stringify(path);
          if (!compiled.has(key)) {
            let place = program;
            for (const name of path) {
              if (typeof place !== "object" || place === null || !own(place, name)) {
                throw ["error", "not_found", "missing json key: " + name];
              }
              place = place[name];
            }
            compiled.set(key, compile(place));
          }
          return compiled.get(key);
        }

        const answers = {
          map(request) { return Maps.run(request[1]); },
          reduce(request) { return Reduces.reduce(request[1], request); },
          rereduce(request) { return Reduces.rereduce(request[1], request); },
          compile(request) {
            compile(request[1]);
            return "true";
          },

          filter(request) {
            const passes = functionAt("filters", request[1]), documents = request[2], results = [];
            for (let i = 0; i < documents.length; i++) {
              progress[0]++;
              results.push(Reflect.apply(passes, program, [documents[i], request[3]]) ? true : false);
            }
            return JSON.stringify(results);
          },

          viewFilter(request) {
            const map = functionAt("views", request[1], "map"), documents = request[2], results = [];
            for (let i = 0; i < documents.length; i++) {
              progress[0]++;
              emitted = [];
              map(documents[i]);
              results.push(emitted.length > 0);
            }
            emitted = [];
            return JSON.stringify(results);
          },

          validate(request) {
            const validate = functionAt("validate_doc_update"), writes = request[1], verdicts = [];
            for (let i = 0; i < writes.length; i++) {
              progress[0]++;
              try {
                Reflect.apply(validate, program, [writes[i][0], writes[i][1], request[2], request[3]]);
                verdicts.push("1");
              } catch (error) {
                verdicts.push(Validation.verdict(error));
              }
            }
            return "[" + verdicts.join(",") + "]";
          },

          update(request) { return Rendering.update(functionAt("updates", request[1]), request[2], request[3]); },
          show(request) { return Rendering.show(functionAt("shows", request[1]), request[2], request[3]); },
          list(request) {
            return Rendering.list(functionAt("lists", request[1]), request[2], request[3], request[4]);
          },
          rewrite(request) { return Rendering.rewrite(functionAt("rewrites"), request[1]); }
        };

        const Validation = {
          verdict(error) {
            try {
              if (isError(error)) return answerOf(error);
              const text = JSON.stringify(["threw", error]);
              return text === undefined ? '["threw",null]' : text;
            } catch (unprintable) {
              return failure("unnamed_error", worded(error));
            }
          }
        };

        return {
          handle(request) {
            progress[0]++;
            try {
              return answers[request[0]](request);
            } catch (error) {
              return answerOf(error);
            }
          },
          takeLog() { return Log.take(); }
        };
        """#
}
