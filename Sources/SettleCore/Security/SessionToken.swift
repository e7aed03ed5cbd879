// What an `AuthSession` cookie holds: who logged in and when, signed, so that the server remembers nothing.
//
//     base64url( admin : 6740A1B2 : <32 bytes of HMAC-SHA256> )
//                name    seconds    over `admin:6740A1B2`, with the server's secret and the account's salt as key
//
// A token is good for the session's timeout from the moment in it. Whoever comes back with one that has used up a tenth
// of its time gets a new one with the answer, so that a client that keeps coming stays logged in.
//
// The subtle thing: the signature's bytes may be colons too, so only the first two colons separate.

import Crypto

/// A session's token, as it was parsed or is to be signed.
package struct SessionToken: Sendable {
    /// Who logged in.
    package let name: String
    /// When, in seconds since 1970.
    package let time: Int
    private let signature: [UInt8]

    /// Reads a cookie's value; its signature has not been checked then.
    ///
    /// - Parameter text: The text of the cookie.
    /// - Throws: `badRequest` if it is no token.
    package init(parsing text: some StringProtocol) throws(SettleError) {
        let standard = text.utf8.map { character in
            switch character {
            case UInt8(ascii: "-"): UInt8(ascii: "+")
            case UInt8(ascii: "_"): UInt8(ascii: "/")
            default: character
            }
        }
        let parts = Base64.decode(standard)?.split(
            separator: UInt8(ascii: ":"),
            maxSplits: 2,
            omittingEmptySubsequences: false
        )
        guard let parts, parts.count == 3,
            let time = Int(String(decoding: parts[1], as: UTF8.self), radix: 16)
        else {
            throw SettleError(.badRequest, "Malformed AuthSession cookie. Please clear your cookies.")
        }
        name = String(decoding: parts[0], as: UTF8.self)
        self.time = time
        signature = Array(parts[2])
    }

    /// The text of a token for somebody who logs in at a moment.
    package static func text(name: String, time: Int, key: [UInt8]) -> String {
        let content = Array("\(name):\(String(time, radix: 16, uppercase: true))".utf8)
        let signature = HMAC<SHA256>.authenticationCode(for: content, using: SymmetricKey(data: key))
        let encoded = Base64.encoded(content + [UInt8(ascii: ":")] + signature)
        let url = encoded.utf8.prefix { $0 != UInt8(ascii: "=") }.map { character in
            switch character {
            case UInt8(ascii: "+"): UInt8(ascii: "-")
            case UInt8(ascii: "/"): UInt8(ascii: "_")
            default: character
            }
        }
        return String(decoding: url, as: UTF8.self)
    }

    /// An account's salt, which goes into the key: a changed password ends the sessions of the old one.
    package static func salt(credentials: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: credentials)) }

    /// Whether the token was signed with this key.
    package func isSigned(with key: [UInt8]) -> Bool {
        let content = Array("\(name):\(String(time, radix: 16, uppercase: true))".utf8)
        return HMAC<SHA256>.isValidAuthenticationCode(
            signature,
            authenticating: content,
            using: SymmetricKey(data: key)
        )
    }

    /// Whether the token is still good.
    package func isCurrent(at now: Int, timeout: Int) -> Bool { now < time + timeout }

    /// Whether so much of the token's time is over that the client should get a new one.
    package func isDue(at now: Int, timeout: Int) -> Bool { now - time > timeout / 10 }
}

/// The fields of `Cookie` and `Set-Cookie` that sessions need.
package enum SessionCookie {
    /// The value of the cookie of this name in a `Cookie` or `Set-Cookie` field; nil if there is none, or it is empty.
    package static func value(in field: String, name: String = "AuthSession") -> String? {
        for pair in field.utf8.split(separator: UInt8(ascii: ";")) {
            let pair = pair.drop { $0 == UInt8(ascii: " ") }
            guard pair.starts(with: name.utf8), let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                pair.distance(from: pair.startIndex, to: equals) == name.utf8.count
            else { continue }
            let value = pair[pair.index(after: equals)...]
                .filter { $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: " ") }
            return value.isEmpty ? nil : String(decoding: value, as: UTF8.self)
        }
        return nil
    }

    /// The `Set-Cookie` field that gives a token, or with an empty one takes it away.
    package static func field(_ token: String) -> String {
        "AuthSession=\(token); Version=1; Path=/; HttpOnly"
    }
}
