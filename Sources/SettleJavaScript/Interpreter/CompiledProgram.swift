#if JavaScript
import CJavaScriptCore
import SettleCore

/// One program in the library: the realm of its functions, and the harness's beside it.
@safe
final class CompiledProgram {
    /// What a question ended with other than an answer.
    enum Failure: Error {
        /// The functions were stopped, or nothing works any more in this program.
        case stopped
        /// The request or the program is not JSON.
        case unreadable
    }

    private let harness: JSGlobalContextRef
    private let realm: JSGlobalContextRef
    private let handle: JSObjectRef
    private let takeLog: JSObjectRef

    /// Prepares a program; its functions are compiled when they are first asked for.
    init(_ program: FunctionProgram, group: JSContextGroupRef, progress: Progress) throws(Failure) {
        unsafe harness = JSGlobalContextCreateInGroup(group, nil)
        unsafe realm = JSGlobalContextCreateInGroup(group, nil)
        var functions: (handle: JSObjectRef, takeLog: JSObjectRef)?
        if let make = unsafe CompiledProgram.evaluate(Harness.source, in: harness),
            let design = unsafe ScriptText(program.text).json(in: realm),
            let counter = unsafe JSObjectMakeTypedArrayWithBytesNoCopy(
                harness,
                kJSTypedArrayTypeInt32Array,
                progress.address,
                4,
                nil,
                nil,
                nil
            ),
            let removed = unsafe CompiledProgram.names(Harness.removed, in: harness),
            let made = unsafe CompiledProgram.call(
                make,
                in: harness,
                [
                    JSContextGetGlobalObject(realm), design, counter, removed,
                    JSObjectMakeFunctionWithCallback(harness, nil) { context, _, _, count, arguments, _ in
                        unsafe syntaxError(context, count, arguments)
                    },
                ]
            )
        {
            unsafe functions = unsafe CompiledProgram.functions(of: made, in: harness)
        }
        guard let functions = unsafe functions else {
            unsafe JSGlobalContextRelease(realm)
            unsafe JSGlobalContextRelease(harness)
            throw .unreadable
        }
        unsafe (handle, takeLog) = unsafe functions
        unsafe JSValueProtect(harness, handle)
        unsafe JSValueProtect(harness, takeLog)
    }

    deinit {
        unsafe JSValueUnprotect(harness, handle)
        unsafe JSValueUnprotect(harness, takeLog)
        unsafe JSGlobalContextRelease(realm)
        unsafe JSGlobalContextRelease(harness)
    }

    /// Answers a request.
    func answer(_ request: [UInt8]) throws(Failure) -> [UInt8] {
        guard let value = unsafe ScriptText(request).json(in: realm) else {
            throw .unreadable
        }
        guard let answer = unsafe CompiledProgram.call(handle, in: harness, [value]),
            let text = unsafe CompiledProgram.text(of: answer, in: harness)
        else { throw .stopped }
        return text
    }

    /// What functions have logged since this was last asked.
    func takeLogLines() -> [String] {
        guard let lines = unsafe CompiledProgram.call(takeLog, in: harness, []),
            unsafe !JSValueIsUndefined(harness, lines),
            let text = unsafe CompiledProgram.text(of: lines, in: harness),
            let array = (try? JSONValue(parsing: JSONText.replacingLoneSurrogates(in: text)))?.array
        else { return [] }
        return array.compactMap(\.string)
    }

    /// Gives back what no function needs any more.
    func collectGarbage() { unsafe JSGarbageCollect(harness) }
}

extension CompiledProgram {
    private static func evaluate(_ source: String, in context: JSGlobalContextRef) -> JSObjectRef? {
        guard
            let value = unsafe ScriptText(source).with({
                unsafe JSEvaluateScript(context, $0, nil, nil, 1, nil)
            })
        else {
            return nil
        }
        return unsafe JSValueToObject(context, value, nil)
    }

    private static func names(_ names: [String], in context: JSGlobalContextRef) -> JSValueRef? {
        let text = JSONValue.array(names.map { .string($0) }).bytes
        return unsafe ScriptText(text).json(in: context)
    }

    private static func functions(
        of object: JSValueRef,
        in context: JSGlobalContextRef
    ) -> (handle: JSObjectRef, takeLog: JSObjectRef)? {
        func member(_ name: String) -> JSObjectRef? {
            guard let object = unsafe JSValueToObject(context, object, nil),
                let value = unsafe ScriptText(name).with({
                    unsafe JSObjectGetProperty(context, object, $0, nil)
                })
            else { return nil }
            return unsafe JSValueToObject(context, value, nil)
        }
        guard let handle = unsafe member("handle"), let takeLog = unsafe member("takeLog") else { return nil }
        return unsafe (handle, takeLog)
    }

    /// Calls a function; nil if it threw or was stopped.
    private static func call(
        _ function: JSObjectRef,
        in context: JSGlobalContextRef,
        _ arguments: [JSValueRef?]
    ) -> JSValueRef? {
        unsafe arguments.withUnsafeBufferPointer { arguments in
            unsafe JSObjectCallAsFunction(context, function, nil, arguments.count, arguments.baseAddress, nil)
        }
    }

    private static func text(of value: JSValueRef, in context: JSGlobalContextRef) -> [UInt8]? {
        guard let string = unsafe JSValueToStringCopy(context, value, nil) else { return nil }
        return unsafe ScriptText(owning: string).bytes
    }
}

/// The error of the script that is the first argument, with its line; undefined if it parses.
private func syntaxError(
    _ context: JSContextRef?,
    _ count: Int,
    _ arguments: UnsafePointer<JSValueRef?>?
) -> JSValueRef? {
    guard count > 0, let script = unsafe arguments?[0],
        let text = unsafe JSValueToStringCopy(context, script, nil)
    else { return unsafe JSValueMakeUndefined(context) }
    var error: JSValueRef?
    unsafe ScriptText(owning: text).with { unsafe _ = JSCheckScriptSyntax(context, $0, nil, 1, &error) }
    return unsafe error ?? JSValueMakeUndefined(context)
}
#endif
