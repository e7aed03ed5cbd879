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
            reduces: group.trees.flatMap(\.reduces).filter { $0.first != UInt8(ascii: "_") },
            library: group.library,
            scope: scope
        )
    }
}

/// Reduces by the functions of a design document, which an engine runs.
struct EngineReducer: ReduceEngine {
    let engine: any FunctionEngine
    let program: FunctionProgram
}
