import Glibc

/// Moments of the calendar as text (RFC 3339).
enum Timestamp {
  /// The present moment, milliseconds since 1970.
  static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// Reads a moment as XEP-0082 writes it, such as `2026-11-22T10:00:00.123Z`, into milliseconds since 1970; `nil` if it is none.
  static func milliseconds(_ text: String) -> Int64? {
    var rest = text.utf8[...]
    func number(_ digits: Int, _ range: ClosedRange<Int64>, then separator: Unicode.Scalar?) -> Int64? {
      let part = rest.prefix(digits)
      guard part.count == digits, part.allSatisfy({ 0x30...0x39 ~= $0 }) else { return nil }
      rest = rest.dropFirst(digits)
      if let separator, rest.popFirst() != UInt8(ascii: separator) { return nil }
      let value = part.reduce(Int64(0)) { $0 * 10 + Int64($1 - 0x30) }
      return range.contains(value) ? value : nil
    }
    guard text.utf8.count <= 40, let year = number(4, 1970...9999, then: "-"),
      let month = number(2, 1...12, then: "-"), let day = number(2, 1...31, then: "T"),
      let hour = number(2, 0...23, then: ":"), let minute = number(2, 0...59, then: ":"),
      let second = number(2, 0...60, then: nil)
    else { return nil }
    var fraction: Int64 = 0
    if rest.first == UInt8(ascii: ".") {
      let digits = rest.dropFirst().prefix { 0x30...0x39 ~= $0 }
      guard !digits.isEmpty else { return nil }
      rest = rest.dropFirst(1 + digits.count)
      var unit: Int64 = 100
      for digit in digits.prefix(3) { (fraction, unit) = (fraction + unit * Int64(digit - 0x30), unit / 10) }
    }
    var offset: Int64 = 0
    switch rest.popFirst() {
    case UInt8(ascii: "Z"): break
    case let sign? where sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"):
      guard let hours = number(2, 0...23, then: ":"), let minutes = number(2, 0...59, then: nil) else {
        return nil
      }
      offset = (hours * 60 + minutes) * (sign == UInt8(ascii: "-") ? -60 : 60)
    default: return nil
    }
    guard rest.isEmpty else { return nil }
    // Days since 1970, in years that begin with March, so that the leap day is the last one.
    let shifted = month > 2 ? year : year - 1
    let era = shifted / 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let yearOfEra = shifted % 400
    let days = era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    return ((days * 24 + hour) * 60 + minute) * 60_000 + (second - offset) * 1000 + fraction
  }

  /// A moment in seconds since 1970 as `2026-11-22T10:00:00Z`.
  static func text(seconds: Int64) -> String {
    var moment = time_t(seconds)
    var parts = tm()
    gmtime_r(&moment, &parts)
    let date =
      "\(pad(Int(parts.tm_year) + 1900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))"
    let time = "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):\(pad(Int(parts.tm_sec), 2))"
    return "\(date)T\(time)Z"
  }

  /// Appends a moment in milliseconds since 1970 as `2026-11-22T10:00:00.123Z`. By arithmetic alone: it is done for each
  /// stanza. What is outside the years 1970 to 9999 becomes the nearest moment inside.
  static func append(milliseconds: Int64, to output: inout [UInt8]) {
    let moment = min(max(0, milliseconds), 253_402_300_799_999)
    let (days, time) = moment.quotientAndRemainder(dividingBy: 86_400_000)
    // Years begin with March here, so that the leap day is the last one.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let month = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * month + 2) / 5 + 1
    let year = yearOfEra + era * 400 + (month < 10 ? 0 : 1)
    append(year / 100, ending: nil, to: &output)
    append(year % 100, ending: "-", to: &output)
    append(month < 10 ? month + 3 : month - 9, ending: "-", to: &output)
    append(day, ending: "T", to: &output)
    append(time / 3_600_000, ending: ":", to: &output)
    append(time / 60_000 % 60, ending: ":", to: &output)
    append(time / 1000 % 60, ending: ".", to: &output)
    append(time % 1000 / 10, ending: nil, to: &output)
    output.append(UInt8(truncatingIfNeeded: 0x30 + time % 10))
    output.append(UInt8(ascii: "Z"))
  }

  /// Appends the two digits of a number below 100, and what stands behind them.
  @inline(__always)
  private static func append(_ number: Int64, ending: Unicode.Scalar?, to output: inout [UInt8]) {
    output.append(UInt8(truncatingIfNeeded: 0x30 + number / 10))
    output.append(UInt8(truncatingIfNeeded: 0x30 + number % 10))
    if let ending { output.append(UInt8(ascii: ending)) }
  }

  private static func pad(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
  }
}
