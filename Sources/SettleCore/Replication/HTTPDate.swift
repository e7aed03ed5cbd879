// The time as HTTP and CouchDB's checkpoints write it: `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 1123).

/// Writes points in time as RFC 1123 does.
package enum HTTPDate {
    /// The text for a number of seconds since 1970.
    package static func text(unixSeconds: Int) -> String {
        let days = floorDivide(unixSeconds, 86_400)
        let second = unixSeconds - days * 86_400
        let (year, month, day) = civil(days)
        // 1 January 1970 was a Thursday.
        let weekday = ((days + 4) % 7 + 7) % 7
        let names = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [second / 3_600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(
            separator: ":"
        )
        return "\(names[weekday]), \(padded(day, 2)) \(months[month - 1]) \(padded(year, 4)) \(time) GMT"
    }

    /// The text that the scheduler's answers use: `1994-11-06T08:49:37Z`.
    package static func timestamp(unixSeconds: Int) -> String {
        let days = floorDivide(unixSeconds, 86_400)
        let second = unixSeconds - days * 86_400
        let (year, month, day) = civil(days)
        let time = [second / 3_600, second / 60 % 60, second % 60].map { padded($0, 2) }.joined(
            separator: ":"
        )
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(time)Z"
    }

    /// The date of a day counted from 1 January 1970, in the Gregorian calendar.
    ///
    /// Years are counted from March here, so
    /// that the leap day is a year's last and every 400 years (146,097 days) are alike.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * marchMonth + 2) / 5 + 1
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
        value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
    }

    private static func padded(_ value: Int, _ width: Int) -> String {
        let digits = String(value)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
