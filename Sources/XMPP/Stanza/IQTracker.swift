/// The requests that wait for their answers, and the rule of which stanza is the answer to which.
///
/// An answer must carry the id, which is random, and come from whom was asked; whatever else comes is nobody's answer
/// (CVE-2014-0364). `Purpose` is what the caller wants to be reminded of.
public struct IQTracker<Purpose: Sendable>: Sendable {
  /// An answer that came.
  public struct Reply: Sendable {
    /// What the caller gave with the request.
    public let purpose: Purpose
    /// The answer.
    public let stanza: Stanza
    /// Why the request was refused, where it was.
    public let error: StanzaError?
  }

  private struct Request: Sendable {
    let to: JID?
    let purpose: Purpose
  }

  private let account: JID
  private var waiting: [String.UTF8Key: Request] = [:]

  /// - Parameter account: the address that was bound, resourcepart and all.
  public init(account: JID) { self.account = account }

  /// How many requests wait.
  public var count: Int { waiting.count }

  /// The requests that wait: their ids, whom they ask, what for.
  public var unanswered: [(id: String, to: JID?, purpose: Purpose)] {
    waiting.map { ($0.key.string, $0.value.to, $0.value.purpose) }
  }

  /// Makes a request with a fresh id and waits for its answer.
  public mutating func request(
    _ kind: IQ.Kind, to: JID? = nil, _ payload: Element, for purpose: Purpose
  ) -> Element {
    let id = StanzaIdentifier.random()
    expect(id, from: to, for: purpose)
    return IQ.request(kind, id: id, to: to, payload)
  }

  /// Waits for the answer to a request made elsewhere, as those of `send --xml`.
  public mutating func expect(_ id: String, from to: JID?, for purpose: Purpose) {
    waiting[StanzaIdentifier.key(id)] = Request(to: to, purpose: purpose)
  }

  /// Takes a stanza that may be an answer, and forgets its request.
  ///
  /// - Returns: `nil` where it is no answer to anything asked.
  public mutating func take(_ stanza: Stanza) -> Reply? {
    guard stanza.kind == .iq, stanza.isType("result") || stanza.isType("error"), let id = stanza.id
    else { return nil }
    let key = StanzaIdentifier.key(id)
    guard let request = waiting[key], stanza.answers(requestTo: request.to, of: account) else { return nil }
    waiting[key] = nil
    return Reply(purpose: request.purpose, stanza: stanza, error: StanzaError(of: stanza))
  }

  /// Forgets all requests: the stream they were made in is gone.
  ///
  /// - Returns: what they were for.
  public mutating func removeAll() -> [Purpose] {
    let purposes = waiting.values.map(\.purpose)
    waiting = [:]
    return purposes
  }
}

extension Stanza {
  /// Whether it comes from whom was asked (RFC 6120 §8.1.2.1). Only the own server can leave `from` out, and it answers for
  /// the account, in the account's name or its own.
  ///
  /// - Parameters:
  ///   - to: whom the request was for; `nil` is the own account.
  ///   - account: the full JID that asked.
  func answers(requestTo to: JID?, of account: JID) -> Bool {
    let own = [account.bare, account, account.domain]
    guard from != nil else { return to.map(own.contains) ?? true }
    guard let sender else { return false }
    return to.map { sender == $0 } ?? own.contains(sender)
  }
}
