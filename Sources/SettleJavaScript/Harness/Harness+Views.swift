extension Harness {
    /// Map and reduce functions.
    static let views = #"""
        let emitted = [];

        // Whether the sources only read documents, as far as a glance can tell: then nothing needs to be frozen, which
        // takes two thirds of a map function's time. Whoever outwits this changes what his own next function sees.
        const writes = new RegExp([
          // a.b = …, a[b] += …, a.b++, --a.b
          /(?:\.\s*[\w$]+|\])\s*(?:=(?![=>])|(?:[-+*\/%&|^]|\*\*|<<|>>>?|&&|\|\||\?\?)=|\+\+|--)/,
          /(?:\+\+|--)\s*[\w$]+\s*[.\[]/,
          // ({a: b.c} = …), for (a.b in …)
          /\}\s*=(?![=>])|\bfor\s*\(\s*[\w$]+\s*[.\[]/,
          // a["b"](…)
          /\](?:\s|\/\*[^]*?\*\/|\/\/[^\n]*\n)*(?:\(|\?\.\s*\(|`)/,
          /\b(?:push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin|delete|prototype|constructor|call|apply)\b/,
          /\b(?:bind|eval|Function|Reflect|Proxy|this|with|require|import|globalThis|arguments)\b/,
          /\b(?:isFrozen|isSealed|isExtensible|strict)\b|__|\\u/,
          /\bObject\s*(?!\s*\.\s*(?:keys|values|entries)\b)/
        ].map((part) => part.source).join("|"));

        const Maps = {
          functions: undefined,
          freezes: false,

          compiled() {
            if (!Maps.functions) {
              const sources = program.maps;
              const functions = [];
              for (let i = 0; i < sources.length; i++) {
                functions.push(compile(sources[i]));
                if (writes.test(sources[i])) Maps.freezes = true;
              }
              Maps.functions = functions;
            }
            return Maps.functions;
          },

          failed(error, id) {
            if (error === "fatal_error") {
              throw ["error", "map_runtime_error", "function raised 'fatal_error'"];
            }
            if (tag(error) === "fatal") throw error;
            const document = id === undefined ? "" : " with doc._id " + String(id);
            Log.add("function raised exception " + worded(error) + document);
          },

          run(documents) {
            const functions = Maps.compiled();
            const answers = [];
            for (let i = 0; i < documents.length; i++) {
              progress[0]++;
              const document = documents[i];
              if (Maps.freezes) freeze(document);
              let text = "[";
              for (let j = 0; j < functions.length; j++) {
                const map = functions[j];
                emitted = [];
                let rows = "[]";
                try {
                  map(document);
                  if (emitted.length > 0) rows = JSON.stringify(emitted);
                } catch (error) {
                  Maps.failed(error, document._id);
                }
                text += j > 0 ? "," + rows : rows;
              }
              answers.push(text + "]");
            }
            emitted = [];
            return "[" + answers.join(",") + "]";
          }
        };

        function freeze(value) {
          if (typeof value !== "object" || value === null) return;
          Object.freeze(value);
          for (const name in value) {
            const member = value[name];
            if (typeof member === "object") freeze(member);
          }
        }

        const Reduces = {
          functions: [],

          compiled(index) {
            if (!Reduces.functions[index]) Reduces.functions[index] = compile(program.reduces[index]);
            return Reduces.functions[index];
          },

          reduced(index, keys, values, again) {
            const reduce = Reduces.compiled(index);
            try {
              const result = JSON.stringify(reduce(keys, values, again));
              return result === undefined ? "null" : result;
            } catch (error) {
              Maps.failed(error, undefined);
              return "null";
            }
          },

          reduce(indexes, groups) {
            const answers = [];
            for (let i = 2; i < groups.length; i++) {
              progress[0]++;
              const parts = [];
              for (let j = 0; j < indexes.length; j++) {
                parts.push(Reduces.reduced(indexes[j], groups[i][0], groups[i][1], false));
              }
              answers.push("[" + parts.join(",") + "]");
            }
            return "[" + answers.join(",") + "]";
          },

          rereduce(indexes, groups) {
            const answers = [];
            for (let i = 2; i < groups.length; i++) {
              progress[0]++;
              const parts = [];
              for (let j = 0; j < indexes.length; j++) {
                parts.push(Reduces.reduced(indexes[j], null, groups[i][j], true));
              }
              answers.push("[" + parts.join(",") + "]");
            }
            return "[" + answers.join(",") + "]";
          }
        };
        """#
}
