/// One set of stream features as a server sent it (RFC 6120 §4.3.2).
public struct StreamFeatures: Sendable {
  /// Every feature, in the order of the wire.
  public let all: [StreamFeature]
  /// The XML as it came; `nil` where nothing came, from a server older than XMPP 1.0.
  public let element: Element?

  /// No features: what a server older than XMPP 1.0 has.
  static let none = StreamFeatures(all: [], element: nil)

  private init(all: [StreamFeature], element: Element?) {
    self.all = all
    self.element = element
  }

  /// Reads `<stream:features/>`.
  init(_ element: Element) { self.init(all: element.elements.map(StreamFeature.init), element: element) }

  /// The feature of that name and namespace.
  public func feature(_ name: String, _ namespace: String) -> StreamFeature? {
    all.first { $0.element.is(name, namespace) }
  }

  /// STARTTLS, where it is offered (RFC 6120 §5.4.1).
  var startTLS: StreamFeature? { feature("starttls", Namespace.tls) }

  /// The SASL mechanisms in the server's order (RFC 6120 §6.4.1).
  public var mechanisms: [String] { feature("mechanisms", Namespace.sasl)?.values ?? [] }
}

/// One stream feature: what it is called, what it says, and the XML itself.
public struct StreamFeature: Sendable {
  /// The element's name.
  public var name: String
  /// The element's namespace: what identifies the feature.
  public var namespace: String
  /// What people call it; `nil` where the catalogue does not know it.
  public var title: String?
  /// The document that defines it.
  public var specification: String?
  /// Whether the server says that it must be negotiated; `nil` where it says neither.
  public var required: Bool?
  /// What it offers: mechanisms, methods, channel-binding types, `name=value` pairs.
  public var values: [String]
  /// Those of the values that are proprietary SASL mechanisms, with whose they are.
  public var proprietary: [(mechanism: String, owner: String)]
  /// The features it can negotiate along with itself (XEP-0388, XEP-0386).
  public var inline: [StreamFeature]
  /// The XML as it came.
  public var element: Element

  /// How deep features are read in features; two levels is what there is (XEP-0388 around XEP-0386). Each is shown with its XML,
  /// so that depth multiplies.
  private static let deepest = 3

  /// Reads one child of `<stream:features/>`, or of an `<inline/>`.
  init(_ element: Element) { self.init(element, depth: 1) }

  private init(_ element: Element, depth: Int) {
    let entry = FeatureCatalogue.entry(element)
    name = element.name
    namespace = element.namespace
    title = entry?.title
    specification = entry?.specification
    values = FeatureCatalogue.values(of: element, as: entry?.values ?? .nothing)
    proprietary = entry?.values == .mechanisms ? FeatureCatalogue.proprietary(among: values) : []
    required =
      element.elements.lazy.compactMap { child in
        child.name.isSame(as: "required") ? true : child.name.isSame(as: "optional") ? false : nil
      }.first
    let isDeepest = depth > StreamFeature.deepest
    inline = isDeepest ? [] : FeatureCatalogue.inline(in: element).map { StreamFeature($0, depth: depth + 1) }
    self.element = element
  }
}
