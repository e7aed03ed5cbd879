/// A table of an environment: byte strings by key, in the order of the keys' bytes.
///
/// Keys have 1 to 511 bytes (`TextTable` takes longer ones). Where a key is given as a `UInt64` it is the
/// eight bytes of that number, highest first, so that numbers sort as numbers. A table must only
/// be used with transactions of the environment it came from.
package struct Table: Sendable, Hashable {
    let index: UInt32
}
