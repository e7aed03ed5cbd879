import SettleCore

/// Maps by the functions of a design document, which an engine runs.
struct EngineMapper: ViewMapper {
    let engine: any FunctionEngine
    let program: FunctionProgram

    func map(_ documents: [[UInt8]]) throws(SettleError) -> EmittedRows {
        try engine.ask(.map(documents), of: program)
    }
}

extension FunctionProgram {
    /// The map and reduce functions of an index; those that are built in are no functions.
    init(_ group: ViewGroup, scope: String) {
        self.init(
            maps: group.trees.map(\.map),
            reduces: group.reduceFunctions,
            library: group.library,
            scope: scope
        )
    }
}

extension ViewGroup {
    /// The sources of the reduce functions that are not built in, in the order of the program's.
    var reduceFunctions: [[UInt8]] { trees.flatMap(\.reduces).filter { $0.first != UInt8(ascii: "_") } }
}
