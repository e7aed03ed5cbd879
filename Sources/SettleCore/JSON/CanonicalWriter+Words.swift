// Strings and numbers in canonical form: copied where they are spelled so already.

extension CanonicalWriter {
    /// A string that was moved over.
    struct StringContent {
        /// What stands between the quotes.
        let range: Range<Int>
        /// Whether there are escapes in it; then `unescaped` is what it stands for.
        let hasEscapes: Bool
    }

    /// Writes the string at the position.
    mutating func string() throws(JSONError) {
        writeString(try stringContent())
    }

    /// Moves over the string at the position.
    mutating func stringContent() throws(JSONError) -> StringContent {
        let start = scanner.position + 1
        let hasEscapes = try scanner.string()
        let content = StringContent(range: start..<scanner.position - 1, hasEscapes: hasEscapes)
        if hasEscapes {
            unescaped.removeAll(keepingCapacity: true)
            scanner.unescape(content.range, to: &unescaped)
        }
        return content
    }

    /// Writes a string that was moved over.
    mutating func writeString(_ content: StringContent) {
        if content.hasEscapes {
            copy(upTo: content.range.lowerBound - 1)
            JSONText.appendString(unescaped, to: &text)
            resume()
            if makesTerm { ErlangTerm.appendBinary(unescaped, to: &term) }
        } else if makesTerm {
            ErlangTerm.appendHeader(109, count: content.range.count, to: &term)
            term.append(contentsOf: scanner.input[content.range])
        }
    }

    /// What the string that was moved over last stands for.
    func text(of content: StringContent) -> ArraySlice<UInt8> {
        content.hasEscapes ? unescaped[...] : scanner.input[content.range]
    }
}

extension CanonicalWriter {
    /// Writes the number at the position; says whether it is an integer from 0 to 255.
    mutating func number() throws(JSONError) -> Bool {
        let token = try scanner.number()
        guard token.isInteger else {
            writeDouble(token)
            return false
        }
        if token.isNegative, token.magnitude == 0, token.digits == 1 {
            respell(token) { $0.append(0x30) }
        }
        guard makesTerm else { return false }
        guard let value = token.int64 else {
            let digits = scanner.input[token.range].dropFirst(token.isNegative ? 1 : 0)
            ErlangTerm.appendBigInteger(digits: digits, isNegative: token.isNegative, to: &term)
            return false
        }
        ErlangTerm.appendInteger(value, to: &term)
        return value >= 0 && value <= 255
    }

    private mutating func writeDouble(_ token: JSONNumberToken) {
        let isCanonical = isCanonical(token)
        guard makesTerm || !isCanonical else { return }
        let value = scanner.double(token)
        if makesTerm { ErlangTerm.appendDouble(value, to: &term) }
        guard !isCanonical else { return }
        // Swift prints other layouts, but where it prints what is already there, without exponent, so does CouchDB.
        if !token.hasExponent, value.description.utf8.elementsEqual(scanner.input[token.range]), value != 0 {
            return
        }
        respell(token) { JSONText.appendDouble(value, to: &$0) }
    }

    /// Whether a double is plainly spelled as it would be printed.
    ///
    /// Up to 15 digits, without zeros that don't count, are the shortest that read back as the same double; more
    /// digits, and exponents, are not looked into.
    private func isCanonical(_ token: JSONNumberToken) -> Bool {
        guard !token.hasExponent, token.digits <= 15, token.magnitude > 0 else { return false }
        let first = scanner.input[token.range.lowerBound + (token.isNegative ? 1 : 0)]
        let last = scanner.input[token.range.upperBound - 1]
        return (last != 0x30 || token.fractionDigits == 1) && (first != 0x30 || token.fractionDigits <= 6)
    }

    private mutating func respell(_ token: JSONNumberToken, _ append: (inout [UInt8]) -> Void) {
        copy(upTo: token.range.lowerBound)
        append(&text)
        resume()
    }
}
