import XMPP

extension Failure {
  /// The same; if the server ended the stream by its policy, with the size of a stanza that may have been too large for it.
  func explained(by delivery: Delivery) -> Failure {
    guard condition.isSame(as: "policy-violation"), let size = delivery.largestUnacknowledged else {
      return self
    }
    var failure = self
    failure.remedy = .smallerStanza(size)
    return failure
  }
}
