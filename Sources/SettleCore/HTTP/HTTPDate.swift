// Dates as HTTP writes them: `Sun, 06 Nov 1994 08:49:37 GMT`.
//
// The calendar is computed here because the server needs nothing else of a calendar. A civil date from a day count:
// shift the year to begin in March, so that the leap day comes last, and count in eras of 400 years.

/// Formats points in time for HTTP headers.
package enum HTTPDate {
    /// Appends the date of a Unix time in seconds.
    package static func append(_ seconds: Int64, to output: inout [UInt8]) {
        let days = Int(seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400)
        let second = Int(seconds) - days * 86_400
        let (year, month, day) = civilDate(days: days)
        let weekday = ((days % 7) + 11) % 7  // day 0, 1 January 1970, was a Thursday
        output.append(contentsOf: weekdays[weekday].utf8)
        appendTwo(day, to: &output)
        output.append(contentsOf: months[month - 1].utf8)
        output.append(contentsOf: String(year).utf8)
        output.append(UInt8(ascii: " "))
        appendTwo(second / 3600, to: &output)
        output.append(UInt8(ascii: ":"))
        appendTwo(second / 60 % 60, to: &output)
        output.append(UInt8(ascii: ":"))
        appendTwo(second % 60, to: &output)
        output.append(contentsOf: " GMT".utf8)
    }

    /// The date of a Unix time in seconds.
    package static func text(unixSeconds: Int) -> String {
        var output: [UInt8] = []
        append(Int64(unixSeconds), to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// The form that the scheduler's answers use: `1994-11-06T08:49:37Z`.
    package static func timestamp(unixSeconds: Int) -> String {
        let days = unixSeconds >= 0 ? unixSeconds / 86_400 : (unixSeconds - 86_399) / 86_400
        let second = unixSeconds - days * 86_400
        let (year, month, day) = civilDate(days: days)
        var output = Array("\(year)-".utf8)
        for (number, separator) in zip(
            [month, day, second / 3600, second / 60 % 60, second % 60],
            "-T::Z".utf8
        ) {
            appendTwo(number, to: &output)
            output.append(separator)
        }
        return String(decoding: output, as: UTF8.self)
    }

    private static let weekdays = ["Sun, ", "Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, "]
    private static let months = [
        " Jan ", " Feb ", " Mar ", " Apr ", " May ", " Jun ", " Jul ", " Aug ", " Sep ", " Oct ", " Nov ",
        " Dec ",
    ]

    private static func appendTwo(_ number: Int, to output: inout [UInt8]) {
        output.append(UInt8(48 + number / 10))
        output.append(UInt8(48 + number % 10))
    }

    /// Year, month (1…12) and day (1…31) of a number of days since 1970.
    private static func civilDate(days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468  // days since 1 March of the year 0
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
