// Reading `views`, `options`, `language` and `autoupdate` out of a design document.
//
// What a design document may look like is checked when it is written. Here one is taken as it is found, since replicas
// may have brought anything: an entry of `views` without `map` is no view.

extension ViewGroup {
    /// The views that a design document defines.
    ///
    /// - Parameter text: The design document, JSON text.
    /// - Throws: `badRequest` if the text is no JSON.
    package init(designDocument text: [UInt8]) throws(SettleError) {
        do throws(JSONError) {
            self.init(members: try JSONValue(parsing: text).object ?? JSONObject())
        } catch {
            throw SettleError(.badRequest, "The design document is not valid JSON.")
        }
    }

    private init(members: JSONObject) {
        let options = members["options"]
        var views: [ViewDefinition] = []
        var library: [UInt8]?
        for member in members["views"]?.object?.members ?? [] {
            if member.name.utf8.elementsEqual("lib".utf8) { library = Array(member.value.text.utf8) }
            guard let map = member.value["map"] else { continue }
            let isRaw = member.value["options"]?["collation"]?.string.map {
                $0.utf8.elementsEqual("raw".utf8)
            }
            views.append(
                ViewDefinition(
                    name: Array(member.name.utf8),
                    map: Self.source(map),
                    reduce: member.value["reduce"].flatMap { $0.isNull ? nil : Self.source($0) },
                    collation: isRaw == true ? .raw : .unicode
                )
            )
        }
        self.init(
            language: members["language"]?.string ?? "javascript",
            views: views,
            library: library,
            includesDesignDocuments: options?["include_design"]?.bool ?? false,
            includesLocalSequence: options?["local_seq"]?.bool ?? false,
            updatesInBackground: members["autoupdate"]?.bool ?? true
        )
    }

    /// A function's source; of a definition that is no function, its JSON text.
    private static func source(_ value: JSONValue) -> [UInt8] {
        value.string.map { Array($0.utf8) } ?? Array(value.text.utf8)
    }
}
