public import SettleCore

extension Database {
    /// A view of this program's own: its index is built when it is first asked, and kept.
    public func open<Key, Value, Reduced>(
        _ view: NativeView<Key, Value, Reduced>
    ) -> OpenView<Key, Value, Reduced> {
        OpenView(
            lookUp: { () throws(SettleError) in try self.view(view.source, view.name) },
            temporary: nil
        )
    }

    /// A view of a design document, which needs an engine for its functions.
    ///
    /// - Parameters:
    ///   - design: The design document's id, such as `_design/orders`.
    ///   - name: The view's name.
    ///   - keys: What its keys are read as.
    ///   - values: What its values are read as.
    ///   - reduced: What its reductions are read as.
    /// - Returns: The view.
    /// - Throws: `notFound` if there is no such view; `notImplemented` where nothing runs its functions.
    public func view<Key, Value, Reduced>(
        of design: DocumentID,
        named name: String,
        keys: Key.Type = JSONValue.self,
        values: Value.Type = JSONValue.self,
        reduced: Reduced.Type = JSONValue.self
    ) throws(SettleError) -> OpenView<Key, Value, Reduced> {
        _ = try self.view(design, name)
        return OpenView(
            lookUp: { () throws(SettleError) in try self.view(design, name) },
            temporary: nil
        )
    }

    /// A view to try out: built at once from the documents as they are now, and gone with the last reference to it.
    ///
    /// - Throws: what stopped the index from being built.
    public func temporaryView<Key, Value, Reduced>(
        _ view: NativeView<Key, Value, Reduced>
    ) async throws(SettleError) -> OpenView<Key, Value, Reduced> {
        let index = try TemporaryIndex(view.source, of: self)
        try await index.index.update()
        return OpenView(lookUp: { () throws(SettleError) in try index.view() }, temporary: index)
    }

    /// A view by JavaScript functions, to try out: built at once from the documents as they are now, and gone with the
    /// last reference to it.
    ///
    /// - Parameters:
    ///   - map: The source of a map function, such as `function(doc) { emit(doc.author, doc.pages) }`.
    ///   - reduce: The name of a built-in reduce function, or the source of one.
    /// - Returns: The view.
    /// - Throws: `notImplemented` where nothing runs JavaScript; `compilation_error` where a source doesn't compile; what
    ///   stopped the index from being built.
    public func temporaryView(
        javaScript map: String,
        reduce: String? = nil
    ) async throws(SettleError) -> OpenView<JSONValue, JSONValue, JSONValue> {
        let index = try TemporaryIndex(
            try await adHocSource(map: Array(map.utf8), reduce: reduce.map { Array($0.utf8) }),
            of: self
        )
        try await index.index.update()
        return OpenView(lookUp: { () throws(SettleError) in try index.view() }, temporary: index)
    }

    /// What an ad-hoc view by JavaScript functions is made of; both compile.
    package func adHocSource(map: [UInt8], reduce: [UInt8]?) async throws(SettleError) -> ViewSource {
        guard let engine = options.functionEngine else { throw ViewSource.noEngine("javascript") }
        if let reduce { _ = try Reducer(source: reduce) }
        for source in [map] + (reduce.map { $0.first == UInt8(ascii: "_") ? [] : [$0] } ?? []) {
            _ = try await engine.askInBackground(.compile(source), of: .empty)
        }
        let group = ViewGroup(views: [ViewDefinition(name: [], map: map, reduce: reduce)])
        let program = FunctionProgram(group, scope: name)
        return ViewSource(
            group: group,
            title: "ad hoc",
            mapper: EngineMapper(engine: engine, program: program),
            reduceEngine: EngineReducer(engine: engine, program: program, sources: group.reduceFunctions)
        )
    }
}
