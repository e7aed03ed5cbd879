extension Harness {
    /// Functions that make responses: shows, lists, updates, rewrites.
    static let rendering = #"""
        // Which representations a function provides, and which of them a request wants.
        const Types = {
          byName: new Map(),
          byType: new Map(),
          provided: [],
          chosen: null,

          register(name, ...types) {
            Types.byName.set(name, types);
            for (const type of types) Types.byType.set(type, name);
          },

          reset() {
            Types.provided = [];
            Types.chosen = null;
          },

          // The best of the types by an Accept header's ranges: each type takes the q of the range that fits it most
          // closely, and among equals the last one registered wins.
          best(types, accept) {
            const ranges = String(accept).split(",").map((text) => Types.parse(text));
            let best = "", bestQuality = 0, bestFitness = -1;
            for (const type of types) {
              const target = Types.parse(type);
              let fitness = -1, quality = 0;
              for (const range of ranges) {
                const fits = (range.type === target.type || range.type === "*" || target.type === "*")
                  && (range.subtype === target.subtype || range.subtype === "*" || target.subtype === "*");
                if (!fits) continue;
                let points = range.type === target.type ? 100 : 0;
                points += range.subtype === target.subtype ? 10 : 0;
                for (const [name, value] of target.parameters) {
                  if (name !== "q" && range.parameters.get(name) === value) points++;
                }
                if (points > fitness) {
                  fitness = points;
                  quality = range.quality;
                }
              }
              if (fitness >= 0 && (quality > bestQuality || (quality === bestQuality && fitness >= bestFitness))
                  && quality > 0) {
                best = type;
                bestQuality = quality;
                bestFitness = fitness;
              }
            }
            return best;
          },

          parse(text) {
            const parts = text.split(";").map((part) => part.trim());
            const [type, subtype] = (parts[0] === "*" ? "*/*" : parts[0]).split("/");
            const parameters = new Map();
            for (const part of parts.slice(1)) {
              const [name, value] = part.split("=");
              parameters.set(name, value);
            }
            let quality = parameters.has("q") ? parseFloat(parameters.get("q")) : 1;
            if (!(quality >= 0 && quality <= 1)) quality = 1;
            return { type, subtype, parameters, quality };
          },

          run(request, self) {
            const accept = request.headers ? request.headers["Accept"] : undefined;
            let name = null, make;
            if (request.query && request.query.format) {
              name = request.query.format;
              Types.chosen = Types.byName.get(name)[0];
            } else if (accept) {
              let supported = [];
              for (let i = Types.provided.length - 1; i >= 0; i--) {
                supported = supported.concat(Types.byName.get(Types.provided[i][0]) || []);
              }
              Types.chosen = Types.best(supported, accept);
              name = Types.byType.get(Types.chosen);
            } else {
              name = Types.provided[0][0];
              Types.chosen = Types.byName.get(name)[0];
            }
            for (const [provided, body] of Types.provided) {
              if (name && provided === name) {
                make = body;
                break;
              }
            }
            if (!make) {
              const types = Types.provided.map(([provided]) =>
                (Types.byName.get(provided) || []).join(", ") || provided);
              throw ["error", "not_acceptable",
                "Content-Type " + (accept || name) + " not supported, try one of: " + types.join(", ")];
            }
            return Reflect.apply(make, self, []);
          }
        };
        [
          ["all", "*/*"], ["text", "text/plain; charset=utf-8", "txt"], ["html", "text/html; charset=utf-8"],
          ["xhtml", "application/xhtml+xml", "xhtml"], ["xml", "application/xml", "text/xml", "application/x-xml"],
          ["js", "text/javascript", "application/javascript", "application/x-javascript"], ["css", "text/css"],
          ["ics", "text/calendar"], ["csv", "text/csv"], ["rss", "application/rss+xml"],
          ["atom", "application/atom+xml"], ["yaml", "application/x-yaml", "text/yaml"],
          ["multipart_form", "multipart/form-data"], ["url_encoded_form", "application/x-www-form-urlencoded"],
          ["json", "application/json", "text/x-json"]
        ].forEach((entry) => Types.register(...entry));

        // What `start`, `send` and `getRow` leave behind.
        const Output = {
          chunks: [], response: {}, sent: undefined, rows: [], next: 0,

          reset(rows) {
            Output.chunks = [];
            Output.response = {};
            Output.sent = undefined;
            Output.rows = rows;
            Output.next = 0;
          },

          begin() {
            if (!Output.sent) Output.sent = Output.typed(Object.assign({}, Output.response));
          },

          typed(response) {
            const headers = Object.assign({}, response.headers);
            if (Types.chosen) headers["Content-Type"] = headers["Content-Type"] || Types.chosen;
            response.headers = headers;
            return response;
          },

          row() {
            Output.begin();
            progress[0]++;
            return Output.next < Output.rows.length ? Output.rows[Output.next++] : null;
          }
        };

        function wrapped(response) {
          return typeof response === "string" ? { body: response } : response;
        }

        function isResponse(value) {
          return typeof value === "string" || (typeof value === "object" && value !== null && !Array.isArray(value));
        }

        function renderFailure(error) {
          try {
            if (tag(error) === "error" || tag(error) === "fatal" || (error.error && error.reason)) return error;
          } catch (unreadable) {
            // Then it is worded like any other.
          }
          let stack;
          try { stack = error.stack; } catch (unreadable) { stack = undefined; }
          const message = "function raised error: " + worded(error) + " \nstacktrace: " + String(stack);
          Log.add(message);
          return ["error", "render_error", message];
        }

        const Rendering = {
          show(make, document, request) {
            try {
              Output.reset([]);
              Types.reset();
              let response = wrapped(Reflect.apply(make, program, [document, request]) || {});
              if (Output.chunks.length > 0) {
                response = Object.assign({}, response);
                response.headers = Object.assign({}, response.headers, Output.response.headers);
                if (Output.response.code) response.code = Output.response.code;
                response.body = Output.chunks.join("") + (response.body || "");
                Output.reset([]);
              }
              if (Types.provided.length > 0) {
                const provided = wrapped(Types.run(request, program) || {});
                response = Object.assign({}, response);
                response.body = (response.body || "") + Output.chunks.join("") + (provided.body || "");
                response = Output.typed(response);
              }
              if (!isResponse(response)) throw ["error", "render_error", "undefined response from show function"];
              return JSON.stringify(["resp", wrapped(response)]);
            } catch (error) {
              if (document === null && request.path && request.path.length > 5) {
                throw ["error", "not_found", "document not found"];
              }
              throw renderFailure(error);
            }
          },

          update(make, document, request) {
            try {
              if (request.method === "GET") {
                throw ["error", "method_not_allowed", "Update functions do not allow GET"];
              }
              Output.reset([]);
              Types.reset();
              const result = Reflect.apply(make, program, [document, request]);
              const response = result[1];
              if (!isResponse(response)) throw ["error", "render_error", "undefined response from update function"];
              return JSON.stringify(["up", result[0], wrapped(response)]);
            } catch (error) {
              throw renderFailure(error);
            }
          },

          list(make, head, request, rows) {
            try {
              Output.reset(rows);
              Types.reset();
              let tail = Reflect.apply(make, program, [head, request]);
              if (Types.provided.length > 0) tail = Types.run(request, program);
              Output.begin();
              if (tail !== undefined) Output.chunks.push(String(tail));
              const response = Output.sent;
              response.body = Output.chunks.join("");
              Output.reset([]);
              return JSON.stringify(["resp", response]);
            } catch (error) {
              throw renderFailure(error);
            }
          },

          rewrite(make, request) {
            try {
              const result = Reflect.apply(make, program, [request]);
              if (!result) throw ["error", "rewrite_error", "undefined response from rewrite function"];
              return JSON.stringify(["ok", typeof result === "string" ? { path: result } : result]);
            } catch (error) {
              throw renderFailure(error);
            }
          }
        };
        """#
}
