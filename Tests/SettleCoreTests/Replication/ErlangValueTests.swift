import Testing

@testable import SettleCore

@Suite("A value of Erlang")
struct ErlangValueTests {
    @Test(
        "is written in the external term format",
        arguments: [
            (ErlangValue.atom("ok"), [131, 100, 0, 2, 111, 107]),
            (.integer(7), [131, 97, 7]),
            (.integer(-1), [131, 98, 255, 255, 255, 255]),
            (.integer(65_536), [131, 98, 0, 1, 0, 0]),
            (.integer(1 << 40), [131, 110, 6, 0, 0, 0, 0, 0, 0, 1]),
            (.integer(-(1 << 32)), [131, 110, 5, 1, 0, 0, 0, 0, 1]),
            (.double(1.5), [131, 70, 63, 248, 0, 0, 0, 0, 0, 0]),
            (.binary("é"), [131, 109, 0, 0, 0, 2, 195, 169]),
            (.list([]), [131, 106]),
            (.string("ab"), [131, 107, 0, 2, 97, 98]),
            (.list([.integer(256)]), [131, 108, 0, 0, 0, 1, 98, 0, 0, 1, 0, 106]),
            (.tuple([.list([])]), [131, 104, 1, 106]),
        ] as [(ErlangValue, [UInt8])]
    )
    func writes(term: ErlangValue, bytes: [UInt8]) {
        #expect(term.externalFormat == bytes)
    }
}
