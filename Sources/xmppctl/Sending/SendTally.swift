import XMPP

/// What came of a run, and the exit status that follows from it.
///
/// A run that ended early ends with the status of what ended it. One that went to its end says by the first of these that
/// is so: something is unconfirmed, since its connection was lost (69); something was refused (1); some of the input was
/// passed over (65); all is well (0).
struct SendTally {
  /// What was awaited has come.
  private(set) var confirmed = 0
  /// Refused by the far side.
  private(set) var refused = 0
  /// What was awaited has not come.
  private(set) var unconfirmed = 0
  /// Input that could not be sent.
  var passedOver = 0

  /// Counts the end of a stanza.
  mutating func count(_ outcome: Delivery.Outcome) {
    if outcome.isReached {
      confirmed += 1
    } else if outcome.status != .failed {
      unconfirmed += 1
    } else if outcome.error?.status == .data {
      passedOver += 1
    } else {
      refused += 1
    }
  }

  /// The failure of a run that went to its end; `nil` where all is well.
  var failure: Failure? {
    if unconfirmed > 0 {
      return Failure(
        .stanza, "unconfirmed", "the connection was lost before \(stanzas(unconfirmed)) could be confirmed",
        status: .noConnection)
    }
    if refused > 0 {
      return Failure(
        .stanza, "refused", "\(stanzas(refused)) of \(confirmed + refused + passedOver) refused",
        status: .refused)
    }
    guard passedOver > 0 else { return nil }
    return .input("passed-over", "what cannot be sent was passed over, \(passedOver) times")
  }

  private func stanzas(_ count: Int) -> String { count == 1 ? "1 stanza" : "\(count) stanzas" }
}
