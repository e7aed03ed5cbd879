/// What runs the functions of design documents in a store: validators, filters, views, shows.
///
/// The module `SettleJavaScript` makes one, and a program that leaves the module out has none:
///
///     import Settle
///     import SettleJavaScript
///
///     var options = StoreOptions()
///     options.functions = .javaScript()
///     let database = try Database.open(at: "notes.settle", options: options)
///
/// One may serve any number of stores.
public struct DesignFunctions: Sendable {
    package let engine: any FunctionEngine

    package init(_ engine: any FunctionEngine) {
        self.engine = engine
    }
}
