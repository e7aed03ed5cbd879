import SettleCore

/// Runs code that walks through a body, and turns a fault of its JSON into the error that clients see.
func readingJSON<Value>(_ body: () throws -> Value) throws(SettleError) -> Value {
    do {
        return try body()
    } catch let error as JSONError {
        throw SettleError(error)
    } catch let error as SettleError {
        throw error
    } catch {
        throw SettleError(.internalError, "\(error)")
    }
}
