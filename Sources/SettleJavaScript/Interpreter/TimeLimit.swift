#if JavaScript
import CJavaScriptCore

// The end of functions that do not end.
//
// The library interrupts running functions when they have used so much processor time, and asks whether it shall stop
// them. A limit is cut into slices: as long as a slice saw progress, the functions are merely at work on many documents.
//
// The subtle thing: the library measures one slice only, unless it is told anew; and once it has stopped functions it may
// not stop the next ones, so that a group that has been stopped is of no further use.

/// Watches over the functions of one group of contexts.
@safe
final class TimeLimit {
    private static let slices = 5

    private let group: JSContextGroupRef
    private let progress: Progress
    private var lastSeen: Int32 = 0
    private var idleSlices = 0
    private var slice = 1.0
    /// Whether functions were stopped.
    private(set) var hasStopped = false

    init(group: JSContextGroupRef, progress: Progress) {
        unsafe self.group = unsafe group
        self.progress = progress
    }

    /// Begins to watch; `seconds` are what functions may take for one document.
    func start(seconds: Double) {
        lastSeen = progress.value
        idleSlices = 0
        slice = max(0.001, seconds / Double(Self.slices))
        watchSlice()
    }

    private func watchSlice() {
        let context = unsafe Unmanaged.passUnretained(self).toOpaque()
        unsafe JSContextGroupSetExecutionTimeLimit(group, slice, { unsafe shouldStop($0, $1) }, context)
    }

    /// Ends watching.
    func end() { unsafe JSContextGroupClearExecutionTimeLimit(group) }

    fileprivate func sliceIsOver() -> Bool {
        let now = progress.value
        idleSlices = now == lastSeen ? idleSlices + 1 : 0
        lastSeen = now
        hasStopped = idleSlices >= Self.slices
        if !hasStopped { watchSlice() }
        return hasStopped
    }
}

private func shouldStop(_ context: JSContextRef?, _ data: UnsafeMutableRawPointer?) -> Bool {
    guard let data = unsafe data else { return true }
    return unsafe Unmanaged<TimeLimit>.fromOpaque(data).takeUnretainedValue().sliceIsOver()
}
#endif
