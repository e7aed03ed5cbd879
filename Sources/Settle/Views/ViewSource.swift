import SettleCollation
package import SettleCore

/// Where an index's rows come from, and how they are reduced.
package struct ViewSource: Sendable {
    package let group: ViewGroup
    /// Nil: nothing here can run the group's functions.
    package let mapper: (any ViewMapper)?
    /// Runs reduce functions that are not built in; nil: nothing here can.
    package let reduceEngine: (any ReduceEngine)?
    /// What the index is called in lists of tasks: the design document's id.
    package let title: String
    /// Where the index lies in the directory of views.
    let directoryName: String

    /// A source of rows other than a design document; the group's signature must depend on what the mapper does.
    package init(
        group: ViewGroup,
        title: String,
        mapper: (any ViewMapper)?,
        reduceEngine: (any ReduceEngine)? = nil,
        directoryPrefix: String = "native-"
    ) {
        self.group = group
        self.mapper = mapper
        self.reduceEngine = reduceEngine
        self.title = title
        directoryName = directoryPrefix + group.signature
    }

    /// The reducers of one tree.
    func reducers(tree: Int) throws(SettleError) -> ViewReducers {
        try ViewReducers(group.trees[tree].reduces, collator: ICUCollator.shared, engine: reduceEngine)
    }
}
