/// What is answered to requests, whoever asks (RFC 6120 §8.4). No I/O, and nothing changes because a stranger asked.
public struct Manners: Sendable {
  private let account: JID
  private let name: String
  private let version: String
  private let features: [String]

  /// - Parameters:
  ///   - account: the own address; its resourcepart does not matter.
  ///   - name: of this program.
  ///   - version: of this program; told to the own account and its server alone.
  ///   - features: what it does beyond answering, as `urn:xmpp:receipts`.
  public init(account: JID, name: String, version: String, features: [String] = []) {
    self.account = account.bare
    self.name = name
    self.version = version
    self.features = features
  }

  /// The answer that an iq get or set must have; `nil` for everything else.
  public func answer(to request: Stanza) -> Element? {
    guard request.isRequest else { return nil }
    return courtesy(request) ?? IQ.error(to: request)
  }

  /// Whether it is a request of the own server or account that is dealt with by answering it, as a ping or a roster push.
  public func isHousekeeping(_ stanza: Stanza) -> Bool {
    stanza.isRequest && isFamiliar(stanza) && courtesy(stanza) != nil
  }

  private func courtesy(_ request: Stanza) -> Element? {
    if Ping.isPing(request) { return IQ.result(to: request) }
    if let answer = Discovery.answer(to: request, name: name, features: features) { return answer }
    if isFamiliar(request),
      let answer = SoftwareVersion.answer(to: request, name: name, version: version)
    {
      return answer
    }
    return isRosterPush(request) ? IQ.result(to: request) : nil
  }

  /// Only the own account pushes its roster (RFC 6121 §2.1.6, CVE-2016-9928).
  private func isRosterPush(_ request: Stanza) -> Bool {
    guard request.isType("set"), request.element.child("query", Namespace.roster) != nil else { return false }
    return request.from == nil || request.sender == account
  }

  /// Whether the own server sent it, or a resource of the own account.
  private func isFamiliar(_ stanza: Stanza) -> Bool {
    guard stanza.from != nil else { return true }
    guard let sender = stanza.sender else { return false }
    return sender.bare == account || sender == account.domain
  }
}
