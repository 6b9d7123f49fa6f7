/// How much of a peer's XML is accepted before the stream is given up (RFC 6120 §13.12).
///
/// Everything is counted on the bytes as they come, before anything is built from them.
public struct Limits: Sendable, Equatable {
  /// Bytes of one first-level element, tags included.
  public var elementBytes: Int
  /// Bytes of one tag.
  public var tagBytes: Int
  /// Attributes of one tag, namespace declarations included.
  public var attributes: Int
  /// Elements and attributes of one first-level element.
  public var nodes: Int
  /// Levels, the stream root being the first.
  public var depth: Int

  /// Bytes of the names of one first-level element with their namespaces, which on the wire are written once and meant often.
  var nameBytes: Int { 2 * elementBytes }

  /// The defaults let through what servers let through, and keep a hostile stream below 32 MiB of memory.
  public init(
    elementBytes: Int = 2 << 20, tagBytes: Int = 1 << 20, attributes: Int = 256, nodes: Int = 1 << 16,
    depth: Int = 256
  ) {
    self.elementBytes = elementBytes
    self.tagBytes = tagBytes
    self.attributes = attributes
    self.nodes = nodes
    self.depth = depth
  }
}
