/// Which mechanism a login uses: the strongest one offered that is safe on this stream, and why others would
/// not do. A pure decision; the list's order, strongest first, is `Candidate.allCases`.
public struct MechanismChoice: Sendable, Equatable {
  /// What the decision depends on beside the offer.
  public struct Facts: Sendable, Equatable {
    /// How far the stream can be trusted.
    public enum Security: Sendable {
      case plaintext
      /// TLS with a certificate that was not verified (`--insecure`).
      case unverified
      case verified
    }

    /// How far the stream can be trusted.
    public var security: Security
    /// The channel bindings the TLS session can give.
    public var channelBindings: [ChannelBindingType]
    /// Whether there is a localpart to log in as.
    public var hasLocalpart: Bool
    /// Whether there is a password.
    public var hasPassword: Bool
    /// Whether the TLS session showed a client certificate.
    public var hasClientCertificate: Bool
    /// The only mechanisms wanted, in any case; empty for all that are safe.
    public var allowed: [String]
    /// The mechanism of an earlier login to the same account in this run.
    public var previous: String?

    /// The facts of one stream.
    public init(
      security: Security, channelBindings: [ChannelBindingType] = [], hasLocalpart: Bool = true,
      hasPassword: Bool = true, hasClientCertificate: Bool = false, allowed: [String] = [],
      previous: String? = nil
    ) {
      self.security = security
      self.channelBindings = channelBindings
      self.hasLocalpart = hasLocalpart
      self.hasPassword = hasPassword
      self.hasClientCertificate = hasClientCertificate
      self.allowed = allowed
      self.previous = previous
    }
  }

  /// What the GS2 header will say (RFC 5802 §6).
  public enum Binding: Sendable, Equatable {
    /// `n`
    case unsupported
    /// `y`
    case notOffered
    /// `p=…`
    case bound(ChannelBindingType)
  }

  /// A mechanism that was passed over.
  public struct Skipped: Sendable, Equatable {
    /// Its name as the server spelled it.
    public let mechanism: String
    /// Why, in a few words.
    public let reason: String
  }

  /// The name of the mechanism to use; `nil` when none is acceptable.
  public var mechanism: String? { candidate?.rawValue }
  /// How SCRAM binds to the channel; `unsupported` for the other mechanisms.
  public let binding: Binding
  /// The offered mechanisms that would not do, in the server's order; one that is merely weaker is not among
  /// them.
  public let skipped: [Skipped]
  let candidate: Candidate?
  /// Another mechanism for a user whose choice failed: the best that is offered if none of those that the user allowed will
  /// do, the best with a password after EXTERNAL, the best without a channel binding if one was demanded by name.
  let alternative: String?
  private let offer: SASLOffer

  /// Chooses.
  public init(from offer: SASLOffer, _ facts: Facts) {
    self.offer = offer
    let type = MechanismChoice.bindingType(offer, facts)
    // One text for all of them: a server may offer very many mechanisms that have the same reason.
    let unbound = type == nil ? MechanismChoice.noBinding(offer, facts) : nil
    let refusals = offer.mechanisms.map { MechanismChoice.refusal(of: $0, facts, unbound: unbound) }
    let acceptable = zip(offer.mechanisms, refusals).compactMap { $1 == nil ? Candidate(name: $0) : nil }
    let chosen = Candidate.allCases.first(where: acceptable.contains)
    candidate = chosen
    alternative = MechanismChoice.alternative(to: chosen, offer, facts)
    binding =
      switch (chosen?.isBound, type) {
      case (true?, let type?): .bound(type)
      case (false?, _) where chosen?.isSCRAM == true && MechanismChoice.sawNoBinding(offer, facts):
        .notOffered
      case (_, _): .unsupported
      }
    skipped = zip(offer.mechanisms, refusals).compactMap { name, reason in
      reason.map { Skipped(mechanism: name, reason: $0) }
    }
  }

  /// The chosen mechanism.
  ///
  /// - Throws: `no-mechanism`, with what was offered and why nothing of it will do.
  func chosen() throws(Failure) -> Candidate {
    if let candidate { return candidate }
    // A server may offer very many.
    let few = skipped.prefix(8).map { "\($0.mechanism.shortened(to: 100)) (\($0.reason))" }
    let why =
      few.joined(separator: ", ")
      + (few.count < skipped.count ? " and \(skipped.count - few.count) more" : "")
    throw .authentication(
      "no-mechanism",
      skipped.isEmpty
        ? "the server offers no SASL mechanism" : "no acceptable SASL mechanism is offered: \(why)",
      remedy: remedy)
  }

  /// What would make one of those offered acceptable.
  private var remedy: Remedy? {
    if let alternative { return .mechanism(alternative) }
    let reasons = skipped.map(\.reason)
    if reasons.contains(Reason.unverified) { return .verifyCertificate }
    if reasons.contains(Reason.noCertificate) { return .clientCertificate }
    return nil
  }

  private static func alternative(
    to chosen: Candidate?, _ offer: SASLOffer, _ facts: Facts
  ) -> String? {
    switch chosen {
    case nil: facts.allowed.isEmpty ? nil : best(of: offer, facts) { _ in true }
    case .external?: best(of: offer, facts) { $0.needsPassword }
    case let chosen? where chosen.isBound && facts.allows(chosen):
      best(of: offer, facts) { $0.isSCRAM && !$0.isBound }
    case _?: nil
    }
  }

  /// The best mechanism that would do if the user had not limited them.
  private static func best(
    of offer: SASLOffer, _ facts: Facts, where isWanted: (Candidate) -> Bool
  ) -> String? {
    var facts = facts
    facts.allowed = []
    let unbound = bindingType(offer, facts) == nil ? noBinding(offer, facts) : nil
    let acceptable = offer.mechanisms.filter { refusal(of: $0, facts, unbound: unbound) == nil }
      .compactMap { Candidate(name: $0) }
    return Candidate.allCases.first { isWanted($0) && acceptable.contains($0) }?.rawValue
  }

  /// The reasons that there is something to be done about.
  private enum Reason {
    static let notAllowed = "not among the mechanisms allowed"
    static let unverified = "would show the password: the certificate is not verified"
    static let noCertificate = "no client certificate given"
  }

  /// Why a mechanism will not do, or `nil` when it will.
  ///
  /// - Parameter unbound: why none can be bound to the channel; `nil` if one can.
  private static func refusal(of name: String, _ facts: Facts, unbound: String?) -> String? {
    guard let candidate = Candidate(name: name) else { return "not supported" }
    let named = facts.allows(candidate)
    guard facts.allowed.isEmpty || named else { return Reason.notAllowed }
    if candidate.needsPassword {
      guard facts.hasLocalpart else { return "no user name given" }
      guard facts.hasPassword else { return "no password given" }
    }
    if candidate.isBound, let unbound { return unbound }
    switch candidate {
    case .external:
      guard facts.hasClientCertificate else { return Reason.noCertificate }
      return facts.security == .plaintext ? "no TLS" : nil
    case .plain:
      // Also where it was named: no password leaves before the server was verified.
      switch facts.security {
      case .plaintext: return "would show the password: no TLS"
      case .unverified: return Reason.unverified
      case .verified:
        // A13: who could do better before has no reason to want the password itself now.
        guard !named, let previous = facts.previous, !["PLAIN", "ANONYMOUS"].contains(previous) else {
          return nil
        }
        return "weaker than \(previous), which was used before"
      }
    case .anonymous where !named:
      return facts.hasLocalpart || facts.hasPassword ? "would not log in as the account" : nil
    case .scramSHA512Plus, .scramSHA256Plus, .scramSHA1Plus, .scramSHA512, .scramSHA256, .scramSHA1,
      .digestMD5, .anonymous:
      return nil
    }
  }

  /// The channel binding that both sides can do.
  ///
  /// With a list (XEP-0440) it is the strongest of both. Without one it is tls-unique, RFC 5802's default,
  /// which only TLS 1.2 has: Prosody 0.12 means that. Under TLS 1.3 the default would be tls-exporter (RFC
  /// 9266), but the servers that know it also send the list, and ejabberd 23.01, which sends none, refuses
  /// it; so there it is used only when a `-PLUS` mechanism was asked for by name, and the login goes on
  /// unbound otherwise.
  private static func bindingType(_ offer: SASLOffer, _ facts: Facts) -> ChannelBindingType? {
    let possible = ChannelBindingType.allCases.filter(facts.channelBindings.contains)
    if let listed = offer.channelBindings {
      return possible.first { type in listed.contains { $0.isSame(as: type.rawValue) } }
    }
    if possible.contains(.tlsUnique) { return .tlsUnique }
    let demanded = Candidate.allCases.contains { $0.isBound && facts.allows($0) }
    return demanded && possible.contains(.tlsExporter) ? .tlsExporter : nil
  }

  private static func noBinding(_ offer: SASLOffer, _ facts: Facts) -> String {
    if facts.security == .plaintext { return "no TLS to bind to" }
    if facts.channelBindings.isEmpty { return "this TLS session gives no channel binding" }
    guard let listed = offer.channelBindings else {
      return "the server does not say which channel bindings it knows"
    }
    return "no common channel binding; the server has \(listed.listed())"
  }

  /// Whether the client could bind and the server offered nothing to bind with. A server that did offer it
  /// then knows that somebody took it away (RFC 5802 §6); one whose offer arrived must not be told so.
  private static func sawNoBinding(_ offer: SASLOffer, _ facts: Facts) -> Bool {
    !facts.channelBindings.isEmpty
      && !offer.mechanisms.contains { $0.utf8.suffix(5).elementsEqual("-PLUS".utf8) }
  }
}

extension MechanismChoice.Facts {
  /// Whether the user named it.
  fileprivate func allows(_ candidate: MechanismChoice.Candidate) -> Bool {
    allowed.contains {
      $0.utf8.map(asciiLowercased).elementsEqual(candidate.rawValue.utf8.map(asciiLowercased))
    }
  }
}

extension MechanismChoice {
  /// The names of the mechanisms known here, strongest first.
  public static var names: [String] { Candidate.allCases.map(\.rawValue) }

  /// The mechanisms known here, strongest first.
  enum Candidate: String, Sendable, CaseIterable {
    case external = "EXTERNAL"
    case scramSHA512Plus = "SCRAM-SHA-512-PLUS"
    case scramSHA256Plus = "SCRAM-SHA-256-PLUS"
    case scramSHA1Plus = "SCRAM-SHA-1-PLUS"
    case scramSHA512 = "SCRAM-SHA-512"
    case scramSHA256 = "SCRAM-SHA-256"
    case scramSHA1 = "SCRAM-SHA-1"
    case digestMD5 = "DIGEST-MD5"
    case plain = "PLAIN"
    case anonymous = "ANONYMOUS"

    /// The mechanism of that name; `nil` for one that is not known here.
    init?(name: String) {
      guard let known = Candidate.allCases.first(where: { $0.rawValue.isSame(as: name) }) else { return nil }
      self = known
    }

    var isBound: Bool { [.scramSHA512Plus, .scramSHA256Plus, .scramSHA1Plus].contains(self) }

    var isSCRAM: Bool { isBound || [.scramSHA512, .scramSHA256, .scramSHA1].contains(self) }

    /// Whether the server proves that it knows the password as well.
    var authenticatesServer: Bool { isSCRAM || self == .digestMD5 }

    var needsPassword: Bool { isSCRAM || self == .digestMD5 || self == .plain }
  }

  /// What a login needs to say.
  struct Credentials {
    /// The localpart; empty where there is none.
    var username: String
    var password: Secret?
    /// The domainpart.
    var domain: String
    /// Whom to act as, where that is not the account itself.
    var authorizationID: String?
    /// How DIGEST-MD5 encodes what it hashes.
    var digestForm = DigestMD5.Form.standard
  }

  /// The chosen mechanism, ready to begin.
  ///
  /// - Parameters:
  ///   - nonce: the client's, for SCRAM and DIGEST-MD5.
  ///   - bindingData: the TLS session's bytes for a channel-binding type.
  ///   - checkpoint: called every few milliseconds while SCRAM derives the password's hash.
  func makeMechanism(
    _ credentials: Credentials, nonce: String, bindingData: (ChannelBindingType) -> [UInt8]?,
    checkpoint: @escaping () throws(Failure) -> Void = {}
  ) throws(Failure) -> any SASLMechanism {
    let candidate = try chosen()
    switch candidate {
    case .external: return External(authorizationID: credentials.authorizationID)
    case .anonymous: return Anonymous()
    case .scramSHA512Plus, .scramSHA512:
      return try scram(.sha512, credentials, nonce, bindingData, checkpoint)
    case .scramSHA256Plus, .scramSHA256:
      return try scram(.sha256, credentials, nonce, bindingData, checkpoint)
    case .scramSHA1Plus, .scramSHA1: return try scram(.sha1, credentials, nonce, bindingData, checkpoint)
    case .digestMD5:
      return DigestMD5(
        username: credentials.username, password: try password(credentials),
        authorizationID: credentials.authorizationID, domain: credentials.domain, nonce: nonce,
        form: credentials.digestForm)
    case .plain:
      return Plain(
        username: credentials.username, password: try password(credentials),
        authorizationID: credentials.authorizationID)
    }
  }

  private func scram(
    _ hash: Hash, _ credentials: Credentials, _ nonce: String,
    _ bindingData: (ChannelBindingType) -> [UInt8]?,
    _ checkpoint: @escaping () throws(Failure) -> Void
  ) throws(Failure) -> SCRAM {
    let bound: SCRAM.Binding =
      switch binding {
      case .unsupported: .unsupported
      case .notOffered: .notOffered
      case .bound(let type): .bound(type, bindingData(type) ?? [])
      }
    return try SCRAM(
      hash, username: credentials.username, password: try password(credentials),
      authorizationID: credentials.authorizationID, binding: bound, nonce: nonce, advertised: offer,
      checkpoint: checkpoint)
  }

  private func password(_ credentials: Credentials) throws(Failure) -> Secret {
    guard let password = credentials.password else {
      throw .authentication("no-password", "the mechanism needs a password, and there is none")
    }
    return password
  }
}
