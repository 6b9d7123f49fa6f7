/// A message to be sent (RFC 6121 §5).
public struct Message: Sendable, Equatable {
  /// The types a message can be sent with (RFC 6121 §5.2.2); `error` is for answers alone.
  public enum Kind: String, Sendable, CaseIterable {
    case chat, normal, headline, groupchat
  }

  /// Whom it is for; `nil` is the own account.
  public var to: JID?
  /// Its type.
  public var kind: Kind
  /// Random where none is given.
  public var id: String
  /// What it says.
  public var body: String?
  /// What it is about; in a room, what the room is about.
  public var subject: String?
  /// The conversation it belongs to.
  public var thread: String?
  /// Its `xml:lang`.
  public var language: String?
  /// A link that goes with it (XEP-0066 §3).
  public var outOfBandURL: String?
  /// Whether its receipt is asked for (XEP-0184 §5.1).
  public var requestsReceipt: Bool

  /// A message; parts that are `nil` are left out.
  public init(
    to: JID?, kind: Kind = .chat, id: String? = nil, body: String? = nil, subject: String? = nil,
    thread: String? = nil, language: String? = nil, outOfBandURL: String? = nil, requestsReceipt: Bool = false
  ) {
    self.to = to
    self.kind = kind
    self.id = id ?? StanzaIdentifier.random()
    self.body = body
    self.subject = subject
    self.thread = thread
    self.language = language
    self.outOfBandURL = outOfBandURL
    self.requestsReceipt = requestsReceipt
  }

  /// The message as an element.
  public var element: Element {
    var content: [Element] = []
    if let subject { content.append(Element("subject", Namespace.client, subject)) }
    if let body { content.append(Element("body", Namespace.client, body)) }
    if let thread { content.append(Element("thread", Namespace.client, thread)) }
    if let outOfBandURL { content.append(OutOfBand.link(outOfBandURL)) }
    if requestsReceipt { content.append(Receipt.request) }
    return Element(
      "message", Namespace.client,
      ["type": kind.rawValue, "id": id, "to": to?.full, "xml:lang": language], content)
  }
}
