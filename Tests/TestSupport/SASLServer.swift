import Foundation

/// The server's side of a login, honest unless told to lie: SCRAM with and without channel binding, DIGEST-MD5, PLAIN,
/// EXTERNAL and ANONYMOUS, over RFC 6120's elements or XEP-0388's.
///
/// It plays its part between the features and what follows success, as a step of a script:
///
///     .talk { talk in if try server.serve(talk) { … } }
public struct SASLServer: Sendable {
  /// Whether it speaks XEP-0388, and then the success's child elements behind the server's data.
  public enum Profile: Sendable {
    case classic
    case sasl2(String)
  }

  /// The one account.
  public var user: String
  /// Its password.
  public var password: String
  /// The realm of DIGEST-MD5 and the host of its `digest-uri`.
  public var domain = "example.org"
  /// Which elements carry it.
  public var profile = Profile.classic
  /// Whether it can bind to the channel: then it takes the flag `y` for an attack (RFC 5802 §6).
  public var bindsChannels = true
  /// DER of the certificate it shows, for tls-server-end-point; its signature's hash must be SHA-256.
  public var certificate: [UInt8] = []
  /// Whether DIGEST-MD5 hashes ISO 8859-1 if it can, as RFC 2831 says, or always UTF-8, as ejabberd does.
  public var hashesLatin = false
  /// SCRAM's iteration count.
  public var iterations = 4096
  /// Whether its proof comes with success, or in a challenge before.
  public var provesWithSuccess = true
  /// Changes its first message (SCRAM) or its challenge (DIGEST-MD5) on the way out.
  public var changesFirst: @Sendable (String) -> String = { $0 }
  /// Changes its proof on the way out, `v=` or `rspauth=`; `nil` keeps it back.
  public var changesProof: @Sendable (String) -> String? = { $0 }
  /// Changes the base64 of its data.
  public var changesData: @Sendable (String) -> String = { $0 }
  /// Changes the channel binding as the server knows it: who stands between has another session with each side.
  public var changesBinding: @Sendable ([UInt8]) -> [UInt8] = { $0 }
  /// Text sent in place of its element of that number, from 0; it says no more after that.
  public var instead: [Int: String] = [:]

  /// An honest server with one account.
  public init(user: String, password: String) { (self.user, self.password) = (user, password) }

  /// Plays one login.
  ///
  /// - Returns: whether it ended with success, and nothing was said in place of it.
  public func serve(_ talk: ScriptedPeer.Talk) throws -> Bool {
    var exchange = Exchange(server: self, talk: talk)
    return try exchange.run()
  }

  /// `<failure/>` with a condition.
  public func failure(_ condition: String, text: String? = nil) -> String {
    let words = text.map { "<text xmlns='\(conditions)'>\($0)</text>" } ?? ""
    return "<failure xmlns='\(namespace)'><\(condition) xmlns='\(conditions)'/>\(words)</failure>"
  }

  fileprivate let conditions = "urn:ietf:params:xml:ns:xmpp-sasl"

  fileprivate var namespace: String {
    if case .sasl2 = profile { "urn:xmpp:sasl:2" } else { conditions }
  }

  fileprivate func challenge(_ data: String) -> String {
    "<challenge xmlns='\(namespace)'>\(encoded(data))</challenge>"
  }

  fileprivate func success(_ data: String?) -> String {
    switch profile {
    case .classic: "<success xmlns='\(namespace)'>\(data.map(encoded) ?? "")</success>"
    case .sasl2(let children):
      "<success xmlns='\(namespace)'>"
        + (data.map { "<additional-data>\(encoded($0))</additional-data>" } ?? "") + children + "</success>"
    }
  }

  private func encoded(_ data: String) -> String { changesData(Data(data.utf8).base64EncodedString()) }
}

/// One login as it goes on.
private struct Exchange {
  let server: SASLServer
  let talk: ScriptedPeer.Talk
  var sent = 0

  /// Whether what was sent is the server's own; throws what ends the login without success.
  private mutating func send(_ text: String) throws {
    defer { sent += 1 }
    guard let other = server.instead[sent] else { return try talk.send(text) }
    try talk.send(other)
    throw Ended()
  }

  /// The login is over, and without success.
  private struct Ended: Error {}

  mutating func run() throws -> Bool {
    do {
      let start = try element()
      let mechanism = ClientElement.attribute("mechanism", of: start)
      let initial = try ClientElement.data(of: start)
      switch mechanism {
      case "PLAIN": try plain(initial)
      case "EXTERNAL", "ANONYMOUS": try send(server.success(nil))
      case "DIGEST-MD5": try digest()
      default:
        let plus = "-PLUS"
        let isBound = mechanism.hasSuffix(plus)
        let name = mechanism.dropFirst("SCRAM-".count).dropLast(isBound ? plus.count : 0)
        guard mechanism.hasPrefix("SCRAM-"), let hash = ServerHash(rawValue: String(name)) else {
          throw try refuse("invalid-mechanism")
        }
        try scram(hash, isBound: isBound, initial)
      }
      return true
    } catch is Ended {
      return false
    }
  }

  /// The client's next element; a client that closes the stream has ended the login.
  private func element() throws -> String {
    let element = try talk.element()
    if element.hasSuffix("</stream:stream>") { throw Ended() }
    return element
  }

  private func refuse(_ condition: String) throws -> Ended {
    try talk.send(server.failure(condition))
    return Ended()
  }

  private mutating func plain(_ message: String) throws {
    guard message == "\0\(server.user)\0\(server.password)" else { throw try refuse("not-authorized") }
    try send(server.success(nil))
  }

  // MARK: SCRAM (RFC 5802)

  private mutating func scram(_ hash: ServerHash, isBound: Bool, _ message: String) throws {
    guard let parts = message.wholeMatch(of: #/((y|n|p=[^,]*),[^,]*,)(n=([^,]*),r=([^,]*))/#) else {
      throw try refuse("malformed-request")
    }
    let (header, flag, bare, clientNonce) = (parts.1, parts.2, parts.3, parts.5)
    guard flag.hasPrefix("p=") == isBound, flag != "y" || !server.bindsChannels, parts.4 == server.user else {
      throw try refuse("not-authorized")
    }
    let salt = Array("salt of the tests".utf8)
    let nonce = clientNonce + "3rfcNHYJY1ZVvWVs7j"
    let first = server.changesFirst(
      "r=\(nonce),s=\(Data(salt).base64EncodedString()),i=\(server.iterations)")
    try send(server.challenge(first))

    let final = try ClientElement.data(of: element())
    guard let parts = final.wholeMatch(of: #/(c=([^,]*),r=([^,]*)),p=([^,]*)/#), parts.3 == nonce,
      let sentProof = Data(base64Encoded: String(parts.4)),
      let bound = Data(base64Encoded: String(parts.2)),
      try Array(bound) == Array(header.utf8)
        + (isBound ? server.changesBinding(binding(String(flag.dropFirst(2)))) : [])
    else { throw try refuse("not-authorized") }
    let salted = hash.derived(server.password, salt: salt, iterations: server.iterations)
    let message = "\(bare),\(first),\(parts.1)"
    let clientKey = hash.hmac(salted, "Client Key")
    let proof = zip(clientKey, hash.hmac(hash.digest(clientKey), message)).map { $0 ^ $1 }
    guard proof == Array(sentProof) else { throw try refuse("not-authorized") }
    let signature = hash.hmac(hash.hmac(salted, "Server Key"), message)
    try prove("v=" + Data(signature).base64EncodedString())
  }

  /// What the server's own end of the TLS session gives.
  private func binding(_ type: String) throws -> [UInt8] {
    guard let session = talk.session else { throw SupportFailure("a binding without TLS") }
    switch type {
    case "tls-exporter": return session.tlsExporter
    case "tls-unique": return session.tlsUnique
    case "tls-server-end-point": return ServerHash.sha256.digest(server.certificate)
    default: throw SupportFailure("the client binds to \(type)")
    }
  }

  // MARK: DIGEST-MD5 (RFC 2831)

  private mutating func digest() throws {
    let nonce = "OA6MG9tEQGm2hh"
    try send(
      server.challenge(
        server.changesFirst(
          "realm=\"\(server.domain)\",nonce=\"\(nonce)\",qop=\"auth\",charset=utf-8,algorithm=md5-sess")))
    let answer = try ClientElement.data(of: element())
    func value(_ name: String) throws -> String {
      let pattern = try Regex<(Substring, Substring)>("(?:^|,)\(name)=\"?([^\",]*)\"?")
      return answer.firstMatch(of: pattern).map { String($0.1) } ?? ""
    }
    let (clientNonce, address) = try (value("cnonce"), value("digest-uri"))
    let parts = [server.user, server.domain, server.password].map { part in
      let latin = server.hashesLatin ? part.data(using: .isoLatin1) : nil
      return Array(latin ?? Data(part.utf8))
    }
    let secret = ServerHash.md5.digest(Array(parts.joined(separator: [UInt8(ascii: ":")])))
    let seed = hexadecimal(
      ServerHash.md5.digest(secret + Array(":\(nonce):\(clientNonce)".utf8)))
    func response(_ method: String) -> String {
      let second = hexadecimal(md5("\(method):\(address)"))
      return hexadecimal(md5("\(seed):\(nonce):00000001:\(clientNonce):auth:\(second)"))
    }
    guard try value("username") == server.user, try value("nonce") == nonce, !clientNonce.isEmpty,
      address == "xmpp/\(server.domain)", try value("response") == response("AUTHENTICATE")
    else { throw try refuse("not-authorized") }
    try prove("rspauth=" + response(""))
  }

  private func md5(_ text: String) -> [UInt8] { ServerHash.md5.digest(Array(text.utf8)) }

  /// Proves to know the password, and says success.
  private mutating func prove(_ proof: String) throws {
    let proof = server.changesProof(proof)
    guard let proof, !server.provesWithSuccess else { return try send(server.success(proof)) }
    try send(server.challenge(proof))
    guard try ClientElement.data(of: element()).isEmpty else { throw try refuse("malformed-request") }
    try send(server.success(nil))
  }
}

/// What a client's SASL element says. The client is our own: its XML is regular enough for patterns.
private enum ClientElement {
  static func attribute(_ name: String, of element: String) -> String {
    guard let pattern = try? Regex<(Substring, Substring)>("^<[^>]* \(name)=['\"]([^'\"]*)['\"]") else {
      return ""
    }
    return element.firstMatch(of: pattern).map { String($0.1) } ?? ""
  }

  /// The data in it, out of base64.
  static func data(of element: String) throws -> String {
    let pattern = #/(?:^<(?:auth|response)(?: [^>]*)?|<initial-response[^>]*)>([^<>]+)</#
    let text = element.firstMatch(of: pattern).map { String($0.1) } ?? "="
    if text == "=" { return "" }
    guard let data = Data(base64Encoded: text) else { throw SupportFailure("no base64: \(element)") }
    // What is no UTF-8 is ISO 8859-1, as DIGEST-MD5 has it without charset.
    return String(data: data, encoding: .utf8) ?? String(data: data, encoding: .isoLatin1) ?? ""
  }
}
