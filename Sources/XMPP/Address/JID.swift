/// An XMPP address, `localpart@domainpart/resourcepart` (RFC 7622), prepared: two of them are the same
/// address exactly when their bytes are the same.
///
/// Localpart and resourcepart are prepared by Nodeprep and Resourceprep, which the servers use, the
/// domainpart by UTS 46.
public struct JID: Sendable, Hashable, CustomStringConvertible {
  /// The account or room; absent for a server.
  public let localpart: String?
  /// The server: U-labels in lower case without a final dot, or an address as `192.0.2.1` or `[::1]`.
  public let domainpart: String
  /// The device, or the nickname in a room.
  public let resourcepart: String?
  /// The domainpart as DNS, SNI and certificates have it: A-labels.
  public let asciiDomain: String
  /// The domainpart's address without brackets when it is one, so that there is nothing to ask DNS for.
  public let domainAddress: String?

  /// Reads an address: the resourcepart is what follows the first `/`, the localpart what is before the first
  /// `@` of the rest (RFC 7622 §3.2).
  ///
  /// - Parameters:
  ///   - text: the address.
  ///   - stage: where it came from, for the failure.
  /// - Throws: `jid-malformed`, which names the part and why.
  public init(parsing text: String, stage: Failure.Stage = .input) throws(Failure) {
    let bytes = Array(text.utf8)
    let slash = bytes.firstIndex(of: UInt8(ascii: "/"))
    let address = bytes[..<(slash ?? bytes.endIndex)]
    let at = address.firstIndex(of: UInt8(ascii: "@"))
    do throws(Failure) {
      try self.init(
        localpart: at.map { Array(address[..<$0]) },
        domainpart: Array(at.map { address[$0...].dropFirst() } ?? address),
        resourcepart: slash.map { Array(bytes[$0...].dropFirst()) }, stage: stage)
    } catch {
      // A long one would hide what is wrong with it.
      guard (1...256).contains(bytes.count) else { throw error }
      var failure = error
      failure.message += ": \(text)"
      failure.remedy = EscapedLocalpart(in: text).map { .address($0.address) }
      throw failure
    }
  }

  /// Prepares parts that are apart already, as UTF-8. A part that is there must not be empty.
  init(
    localpart: [UInt8]?, domainpart: [UInt8], resourcepart: [UInt8]?, stage: Failure.Stage = .input
  ) throws(Failure) {
    self.localpart = try JID.part(localpart, "localpart", .nodeprep, stage)
    switch Domain.prepare(domainpart) {
    case .prepared(let domain):
      self.domainpart = domain.unicode
      asciiDomain = domain.ascii
      domainAddress = domain.address
    case .refused(let why):
      throw JID.malformed("domainpart", why, stage)
    }
    self.resourcepart = try JID.part(resourcepart, "resourcepart", .resourceprep, stage)
  }

  /// Without the resourcepart.
  public var bare: JID { JID(self, resourcepart: nil) }

  /// Whether it has no resourcepart.
  public var isBare: Bool { resourcepart == nil }

  /// The server alone.
  public var domain: JID { JID(domainOf: self) }

  /// With another resourcepart.
  ///
  /// - Throws: `jid-malformed`.
  public func with(resourcepart: String) throws(Failure) -> JID {
    JID(self, resourcepart: try JID.part(Array(resourcepart.utf8), "resourcepart", .resourceprep, .input))
  }

  /// The whole address as it goes on the wire.
  public var full: String {
    var text = localpart.map { $0 + "@" } ?? ""
    text += domainpart
    if let resourcepart { text += "/" + resourcepart }
    return text
  }

  /// The whole address.
  public var description: String { full }

  /// Compares bytes: `==` of String would take canonically equal text for the same.
  public static func == (left: JID, right: JID) -> Bool {
    same(left.domainpart, right.domainpart) && same(left.localpart, right.localpart)
      && same(left.resourcepart, right.resourcepart)
  }

  /// Hashes what `==` compares.
  public func hash(into hasher: inout Hasher) {
    for part in [localpart, domainpart, resourcepart] {
      var count = -1
      if let part {
        count = part.utf8.count
        for byte in part.utf8 { hasher.combine(byte) }
      }
      hasher.combine(count)
    }
  }

  private static func same(_ left: String?, _ right: String?) -> Bool {
    switch (left, right) {
    case (nil, nil): true
    case (let left?, let right?): left.utf8.elementsEqual(right.utf8)
    case (nil, _?), (_?, nil): false
    }
  }

  private static func part(
    _ bytes: [UInt8]?, _ name: String, _ preparation: Preparation, _ stage: Failure.Stage
  ) throws(Failure) -> String? {
    guard let bytes else { return nil }
    switch preparation.prepare(bytes, limit: 1023) {
    case .prepared(let bytes):
      guard !bytes.isEmpty else { throw malformed(name, "is empty", stage) }
      return String(decoding: bytes, as: UTF8.self)
    case .refused(let why, let character):
      let quoted = character.map { " (\(codePointName($0)))" } ?? ""
      throw malformed(name, why + quoted, stage)
    }
  }

  private static func malformed(_ part: String, _ why: String, _ stage: Failure.Stage) -> Failure {
    Failure(stage, "jid-malformed", "the \(part) of the address \(why)", status: .data)
  }

  private init(_ other: JID, resourcepart: String?) {
    localpart = other.localpart
    domainpart = other.domainpart
    self.resourcepart = resourcepart
    asciiDomain = other.asciiDomain
    domainAddress = other.domainAddress
  }

  private init(domainOf other: JID) {
    localpart = nil
    domainpart = other.domainpart
    resourcepart = nil
    asciiDomain = other.asciiDomain
    domainAddress = other.domainAddress
  }
}
