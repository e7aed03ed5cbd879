import SettleCore
import Testing

@Suite("Small wire formats")
struct WireFormatTests {
    @Test(
        "dates are written as RFC 9110 wants them",
        arguments: [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (1_709_251_199, "Thu, 29 Feb 2024 23:59:59 GMT"),
            (4_102_444_800, "Fri, 01 Jan 2100 00:00:00 GMT"),
            (-1, "Wed, 31 Dec 1969 23:59:59 GMT"),
        ] as [(Int64, String)]
    )
    func dates(seconds: Int64, expected: String) {
        var output: [UInt8] = []
        HTTPDate.append(seconds, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == expected)
    }

    @Test(
        "base64 is decoded with and without padding, and refused where it is none",
        arguments: [
            ("", ""), ("Zg==", "f"), ("Zg", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"),
            ("YWRtaW46cHc=", "admin:pw"),
            ("!!!", nil), ("Z", nil), ("Zg=v", nil), ("====", nil),
        ] as [(String, String?)]
    )
    func base64(text: String, expected: String?) {
        #expect(Base64.decode(text.utf8).map { String(decoding: $0, as: UTF8.self) } == expected)
    }
}
