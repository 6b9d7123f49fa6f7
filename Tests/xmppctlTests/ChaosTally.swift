import TestSupport

/// What became of everything in a number of runs.
struct ChaosTally {
  var runs = 0
  /// How often what happened to the lines.
  var faults: [String: Int] = [:]
  /// How often which exit status came.
  var statuses: [Int32: Int] = [:]
  /// What was given to `send`, or to the server for `listen`.
  var sent = 0
  var acknowledged = 0
  var unconfirmed = 0
  var notSent = 0
  /// What a receiver got of what `send` was given.
  var received = 0
  /// What `listen` printed, and what a second run printed of the rest.
  var printed = 0
  var fetched = 0
  /// What was printed again where no session could be resumed, as may be.
  var repeated = 0
  var lost = 0
  var duplicated = 0
  /// Everything that must not be, each with its run.
  var problems: [String] = []

  static func += (tally: inout ChaosTally, other: ChaosTally) {
    tally.runs += other.runs
    tally.faults.merge(other.faults, uniquingKeysWith: +)
    tally.statuses.merge(other.statuses, uniquingKeysWith: +)
    tally.sent += other.sent
    tally.acknowledged += other.acknowledged
    tally.unconfirmed += other.unconfirmed
    tally.notSent += other.notSent
    tally.received += other.received
    tally.printed += other.printed
    tally.fetched += other.fetched
    tally.repeated += other.repeated
    tally.lost += other.lost
    tally.duplicated += other.duplicated
    tally.problems += other.problems
  }

  /// All of it in some lines.
  var summary: String {
    let faults = faults.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    let statuses = statuses.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(
      separator: ", ")
    return """
      runs \(runs); exit status \(statuses)
      happened: \(faults)
      sent \(sent), acknowledged \(acknowledged), unconfirmed \(unconfirmed), not sent \(notSent)
      received \(received), printed \(printed), fetched later \(fetched), repeated as may be \(repeated)
      lost \(lost), duplicated \(duplicated), problems \(problems.count)
      """
  }
}
