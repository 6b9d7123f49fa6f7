/// A question to a message archive and what belongs to its answer (XEP-0313).
///
/// Results are messages of their own, sent before the iq that ends the answer; one that does not carry the random id of
/// the query, or is not from the archive, was not asked for (CVE-2020-26547).
public struct ArchiveQuery: Sendable {
  /// A message of the archive.
  public struct Result: Sendable, Equatable {
    /// Its id in the archive.
    public let id: String
    /// The message as it was.
    public let message: Stanza
    /// When it was archived.
    public let delay: Delay?
  }

  /// The end of a page.
  public struct End: Sendable, Equatable {
    /// Whether there are no more pages in that direction.
    public let isComplete: Bool
    /// What the page held.
    public let set: ResultSet
  }

  /// Whose archive: a room's, or `nil` for the own account's.
  public let archive: JID?
  private let account: JID
  private let id: String

  /// - Parameters:
  ///   - archive: a room; `nil` is the own account.
  ///   - account: the own address; its resourcepart does not matter.
  public init(archive: JID? = nil, account: JID) {
    self.archive = archive
    self.account = account.bare
    id = StanzaIdentifier.random()
  }

  /// The payload of the iq set that asks for a page.
  ///
  /// - Parameters:
  ///   - start: the earliest moment, as XEP-0082 writes it.
  ///   - end: the latest moment.
  ///   - with: only what went to or came from that address.
  public func payload(
    start: String? = nil, end: String? = nil, with: JID? = nil, page: ResultSet.Page = .first, size: Int = 100
  ) -> Element {
    var content: [Element] = []
    if start != nil || end != nil || with != nil {
      content.append(
        Element(
          "x", Namespace.dataForms, ["type": "submit"],
          [
            field("FORM_TYPE", Namespace.archive, type: "hidden"), field("start", start), field("end", end),
            field("with", with?.full),
          ].compactMap(\.self)))
    }
    content.append(ResultSet.request(page, size: size))
    return Element("query", Namespace.archive, ["queryid": id], content)
  }

  /// The message in a result; `nil` where the stanza is none of this query's results.
  public func result(_ stanza: Stanza) -> Result? {
    guard stanza.kind == .message, !stanza.isType("error"),
      let result = stanza.element.child("result", Namespace.archive),
      let query = result.attribute("queryid"), query.isSame(as: id), isFromArchive(stanza),
      let id = result.attribute("id"), let forwarded = Forwarded(in: result)
    else { return nil }
    return Result(id: id, message: forwarded.message, delay: forwarded.delay)
  }

  /// The end of the page in the answer to the iq, which an `IQTracker` has matched; `nil` where it is no such answer.
  public func end(_ answer: Stanza) -> End? {
    guard let fin = answer.element.child("fin", Namespace.archive) else { return nil }
    let complete = fin.attribute("complete") ?? "false"
    return End(
      isComplete: complete.isSame(as: "true") || complete.isSame(as: "1"), set: ResultSet(in: fin))
  }

  /// Whether the stanza has the form of a result, whoever sent it.
  public static func looksLikeResult(_ stanza: Stanza) -> Bool {
    stanza.kind == .message && stanza.element.child("result", Namespace.archive) != nil
  }

  /// The own archive may leave `from` out (RFC 6120 §8.1.2.1).
  private func isFromArchive(_ stanza: Stanza) -> Bool {
    guard stanza.from != nil else { return archive == nil || archive == account }
    return stanza.sender == archive ?? account
  }

  private func field(_ name: String, _ value: String?, type: String? = nil) -> Element? {
    value.map {
      Element(
        "field", Namespace.dataForms, ["var": name, "type": type], [Element("value", Namespace.dataForms, $0)]
      )
    }
  }
}
