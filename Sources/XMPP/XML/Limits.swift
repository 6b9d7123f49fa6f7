/// How much of a peer's XML is parsed (RFC 6120 §13.12). What exceeds a limit is skipped to the end of its first-level element,
/// or ends the stream if no stanza can be expected yet.
///
/// Everything is counted on the bytes as they come, before anything is built from them.
public struct Limits: Sendable, Equatable {
  /// Bytes of one first-level element, tags included.
  public var elementBytes: Int
  /// Bytes of one tag.
  public var tagBytes: Int
  /// Attributes of one tag. Namespace declarations are counted apart: one for each attribute, and one for the element.
  public var attributes: Int
  /// Elements and attributes of one first-level element.
  public var nodes: Int
  /// Levels, the stream root being the first.
  public var depth: Int

  /// Bytes of the names of one first-level element with their namespaces, which on the wire are written once and meant often.
  var nameBytes: Int { 2 * elementBytes }
  /// Prefixes that may be declared at once.
  var prefixes: Int { attributes }

  /// The defaults accept what servers forward, as far as 32 MiB of memory allow.
  public init(
    elementBytes: Int = 2 << 20, tagBytes: Int = 1 << 20, attributes: Int = 1024, nodes: Int = 1 << 16,
    depth: Int = 1024
  ) {
    self.elementBytes = elementBytes
    self.tagBytes = tagBytes
    self.attributes = attributes
    self.nodes = nodes
    self.depth = depth
  }
}

/// Why a first-level element is skipped and not parsed: the limit it exceeds, or a namespace that XML does not allow.
public enum SkipReason: Sendable, Equatable, CustomStringConvertible {
  /// More bytes than `Limits.elementBytes`.
  case elementBytes(Int)
  /// A tag of more bytes than `Limits.tagBytes`.
  case tagBytes(Int)
  /// A tag of more attributes than `Limits.attributes`.
  case attributes(Int)
  /// More elements and attributes than `Limits.nodes`.
  case nodes(Int)
  /// More levels than `Limits.depth`.
  case depth(Int)
  /// Names and namespaces of more bytes than `Limits.nameBytes`.
  case names(Int)
  /// More prefixes declared at once than `Limits.prefixes`.
  case prefixes(Int)
  /// A namespace or a prefix that Namespaces in XML does not allow.
  case namespaces

  /// The reason in a few words.
  public var description: String {
    switch self {
    case .elementBytes(let limit): "an element of more than \(limit) bytes"
    case .tagBytes(let limit): "a tag of more than \(limit) bytes"
    case .attributes(let limit): "a tag of more than \(limit) attributes"
    case .nodes(let limit): "more than \(limit) elements and attributes in one stanza"
    case .depth(let limit): "more than \(limit) levels"
    case .names(let limit): "names and namespaces of more than \(limit) bytes"
    case .prefixes(let limit): "more than \(limit) namespace prefixes at once"
    case .namespaces: "a namespace that XML does not allow"
    }
  }
}
