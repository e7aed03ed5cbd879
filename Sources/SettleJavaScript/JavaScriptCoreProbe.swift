#if JavaScript
import CJavaScriptCore

/// Evaluates a script in a context of its own.
func evaluates(_ script: String) -> Bool {
    let text = unsafe JSStringCreateWithUTF8CString(script)
    defer { unsafe JSStringRelease(text) }
    let context = unsafe JSGlobalContextCreate(nil)
    defer { unsafe JSGlobalContextRelease(context) }
    return unsafe JSEvaluateScript(context, text, nil, nil, 1, nil) != nil
}
#endif
