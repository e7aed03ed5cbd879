#if JavaScript
import CJavaScriptCore

// Strings on their way in and out of the library. It takes text that ends with a zero byte, which JSON has none of.

/// A string of the library's own; released with the object.
@safe
final class ScriptText {
    private let reference: JSStringRef

    /// The string that UTF-8 text stands for.
    init(_ text: [UInt8]) {
        unsafe reference = text.withUnsafeBytes { bytes in
            unsafe withUnsafeTemporaryAllocation(byteCount: bytes.count + 1, alignment: 1) { copy in
                unsafe copy.copyMemory(from: bytes)
                unsafe copy[bytes.count] = 0
                // SAFETY: the buffer has at least one byte, so it has an address; it ends with a zero.
                return unsafe JSStringCreateWithUTF8CString(
                    copy.assumingMemoryBound(to: CChar.self).baseAddress
                )
            }
        }
    }

    convenience init(_ text: String) { self.init(Array(text.utf8)) }

    /// Takes over a string that the library made.
    init(owning reference: JSStringRef) {
        unsafe self.reference = unsafe reference
    }

    deinit { unsafe JSStringRelease(reference) }

    /// Hands the string to the library, which must not keep it.
    func with<Result>(_ body: (JSStringRef) -> Result) -> Result {
        withExtendedLifetime(self) { unsafe body(reference) }
    }

    /// The value that the string is the JSON text of; nil if it isn't JSON.
    func json(in context: JSGlobalContextRef) -> JSValueRef? {
        unsafe with { unsafe JSValueMakeFromJSONString(context, $0) }
    }

    /// The string as UTF-8 text.
    var bytes: [UInt8] {
        let capacity = unsafe with { unsafe JSStringGetMaximumUTF8CStringSize($0) }
        return unsafe [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let written = unsafe buffer.withMemoryRebound(to: CChar.self) { buffer in
                unsafe with { unsafe JSStringGetUTF8CString($0, buffer.baseAddress, capacity) }
            }
            count = max(0, written - 1)
        }
    }
}
#endif
