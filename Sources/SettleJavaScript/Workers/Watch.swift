import SettleCore

/// Decides when a worker is given up, from what is seen of it every now and then.
struct Watch {
    enum Verdict: Equatable { case fine, timeIsOver, memoryIsFull }

    /// Milliseconds between two looks.
    static let pause: Int32 = 50

    private let limits: FunctionLimits
    private let memoryLimit: Int
    private var progress: Int32?
    private var processorSeconds = 0.0
    private var looks = 0

    init(limits: FunctionLimits, memoryLimit: Int) {
        self.limits = limits
        self.memoryLimit = memoryLimit
    }

    /// What to do about a worker of which this is seen.
    ///
    /// The worker's own watch stops functions after the limit; this one comes later.
    mutating func verdict(progress: Int32, processorSeconds: Double?, memoryBytes: Int?) -> Verdict {
        if let memoryBytes, memoryBytes > memoryLimit { return .memoryIsFull }
        guard progress == self.progress else {
            self.progress = progress
            self.processorSeconds = processorSeconds ?? 0
            looks = 0
            return .fine
        }
        looks += 1
        let used = (processorSeconds ?? 0) - self.processorSeconds
        let waited = Double(looks) * Double(Self.pause) / 1000
        return used > limits.seconds * 2 + 1 || waited > limits.seconds * 10 + 20 ? .timeIsOver : .fine
    }
}
