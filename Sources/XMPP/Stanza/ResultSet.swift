/// Pages of a long answer (XEP-0059).
public struct ResultSet: Sendable, Equatable {
  /// Which page is asked for.
  public enum Page: Sendable, Equatable {
    /// From the beginning.
    case first
    /// What follows the item of that id.
    case after(String)
    /// What precedes the item of that id.
    case before(String)
    /// The end of the whole.
    case last
  }

  /// Whether there is one.
  public let isPresent: Bool
  /// The id of the page's first item.
  public let first: String?
  /// The id of the page's last item.
  public let last: String?
  /// How many items the whole has, where the other side says so.
  public let count: Int?

  /// Reads the `<set/>` of an answer; all is absent where there is none.
  init(in answer: Element) {
    let set = answer.child("set", Namespace.resultSets)
    isPresent = set != nil
    first = set?.child("first", Namespace.resultSets)?.text
    last = set?.child("last", Namespace.resultSets)?.text
    count = set?.child("count", Namespace.resultSets).flatMap { Int($0.text) }
  }

  /// The `<set/>` of a request.
  static func request(_ page: Page, size: Int) -> Element {
    var content = [Element("max", Namespace.resultSets, String(size))]
    switch page {
    case .first: break
    case .after(let id): content.append(Element("after", Namespace.resultSets, id))
    case .before(let id): content.append(Element("before", Namespace.resultSets, id))
    case .last: content.append(Element("before", Namespace.resultSets))
    }
    return Element("set", Namespace.resultSets, content)
  }
}
