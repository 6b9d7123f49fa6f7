import Testing

@testable import XMPP

@Suite struct SCRAMTests {
  private let offer = SASLOffer(mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-256"])

  private func scram(
    _ hash: Hash = .sha256, user: String = "user", password: String = "pencil", as identity: String? = nil,
    binding: SCRAM.Binding = .unsupported, nonce: String = "rOprNGfwEbeRWgbNEkqO", offer: SASLOffer? = nil
  ) throws -> SCRAM {
    try SCRAM(
      hash, username: user, password: secret(password), authorizationID: identity, binding: binding,
      nonce: nonce, advertised: offer ?? self.offer)
  }

  /// A SCRAM that has sent its first message, and the failure of its answer to `challenge`.
  private func refusal(_ challenge: String, offer: SASLOffer? = nil) throws -> Failure? {
    var client = try scram(offer: offer)
    _ = try client.initialResponse()
    return failure { () throws(Failure) in _ = try client.respond(to: Array(challenge.utf8)) }
  }

  private let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
  private var challenge: String { "r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096" }
  private let signature = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

  /// RFC 5802 §5; RFC 7677 §3; the last with SHA-512, its values from Python's hashlib and hmac.
  @Test(
    "the whole exchange gives the known bytes",
    arguments: [
      (
        Hash.sha1, "fyko+d2lbbFgONRv9qkxdawL",
        "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
        "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
        "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
      ),
      (
        .sha256, "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
        "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
      ),
      (
        .sha512, "rOprNGfwEbeRWgbNEkqO",
        "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
        "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ==",
        "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw=="
      ),
    ], [false, true])
  func vectors(vector: (Hash, String, String, String, String), inChallenge: Bool) throws {
    let (hash, nonce, challenge, final, signature) = vector
    var client = try scram(hash, nonce: nonce)
    #expect(try text(client.initialResponse()) == "n,,n=user,r=\(nonce)")
    #expect(try text(client.respond(to: Array(challenge.utf8))) == final)
    if inChallenge {
      #expect(try client.respond(to: Array(signature.utf8)) == [])
      try client.finish(with: nil)
    } else {
      try client.finish(with: Array(signature.utf8))
    }
  }

  @Test("the header and c= are the same bytes, with binding, identity and escaped names")
  func header() throws {
    let data = Array("THIS IS FAKE CB DATA".utf8)
    var client = try scram(
      .sha1, as: "a,b=c@d", binding: .bound(.tlsExporter, data),
      nonce: "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
      offer: SASLOffer(
        mechanisms: ["SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"],
        channelBindings: ["tls-server-end-point", "tls-exporter"]))
    #expect(client.name == "SCRAM-SHA-1-PLUS")
    let header = "p=tls-exporter,a=a=2Cb=3Dc@d,"
    #expect(
      try text(client.initialResponse()) == header + "n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6")
    // The server's message of XEP-0474's example, with its hash of both lists.
    let answer = try client.respond(
      to: Array(
        "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08="
          .utf8))
    let sent = answer.dropFirst(2).prefix { $0 != UInt8(ascii: ",") }
    #expect(Base64.decode(sent) == Array(header.utf8) + data)
  }

  @Test("a bound exchange gives the bytes an independent implementation gives")
  func boundVector() throws {
    var client = try scram(
      .sha1, binding: .bound(.tlsExporter, Array("THIS IS FAKE CB DATA".utf8)),
      nonce: "12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
      offer: SASLOffer(
        mechanisms: ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"],
        channelBindings: ["tls-exporter", "tls-server-end-point"]))
    _ = try client.initialResponse()
    let answer = try client.respond(
      to: Array(
        "r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08="
          .utf8))
    // Computed with Python's hashlib and hmac; the example in the XEP itself has another attribute in its message.
    #expect(text(answer).hasSuffix(",p=NWgTsQJvWgbXKxbqd3P4BNurjkU="))
    try client.finish(with: Array("v=EMsYR2n9LecK8qm5xR19xuvM1jw=".utf8))
  }

  @Test(
    "A7, A8: the flag is n, y or p", arguments: [(SCRAM.Binding.unsupported, "n,,"), (.notOffered, "y,,")])
  func flags(binding: SCRAM.Binding, header: String) throws {
    var client = try scram(binding: binding)
    #expect(try text(client.initialResponse()).hasPrefix(header))
    #expect(client.name == "SCRAM-SHA-256")
  }

  @Test("A10: an empty binding is refused")
  func emptyBinding() throws {
    #expect {
      try scram(binding: .bound(.tlsServerEndPoint, []))
    } throws: {
      ($0 as? Failure)?.condition == "channel-binding-unavailable"
    }
  }

  @Test(
    "A1: a wrong server signature fails the login",
    arguments: [
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G5=", "v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
      "v=",
      "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95A==", "v", "V=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
      "x=y,v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", " ",
    ], [false, true])
  func wrongSignature(final: String, inChallenge: Bool) throws {
    var client = try scram()
    _ = try client.initialResponse()
    _ = try client.respond(to: Array(challenge.utf8))
    let failure = failure { () throws(Failure) in
      if inChallenge {
        _ = try client.respond(to: Array(final.utf8))
      } else {
        try client.finish(with: Array(final.utf8))
      }
    }
    #expect(
      failure?.condition == "server-signature" && failure?.status == .authentication
        && failure?.stage == .auth)
    // It stays failed, even with the right one.
    #expect(throws: Failure.self) { try client.finish(with: Array(signature.utf8)) }
    #expect(throws: Failure.self) { try client.finish(with: nil) }
  }

  @Test("A2: success without v= fails the login", arguments: [nil, []] as [[UInt8]?])
  func missingSignature(data: [UInt8]?) throws {
    var client = try scram()
    _ = try client.initialResponse()
    _ = try client.respond(to: Array(challenge.utf8))
    let failure = failure { () throws(Failure) in try client.finish(with: data) }
    #expect(failure?.condition == "server-not-authenticated" && failure?.status == .authentication)
  }

  @Test("A3: success unasked or too early breaks the protocol")
  func earlySuccess() throws {
    var unasked = try scram()
    #expect(failure { () throws(Failure) in try unasked.finish(with: nil) }?.status == .protocolViolation)
    var early = try scram()
    _ = try early.initialResponse()
    let failure = failure { () throws(Failure) in try early.finish(with: Array(signature.utf8)) }
    #expect(failure?.condition == "early-success" && failure?.status == .protocolViolation)
    #expect(throws: Failure.self) { try early.respond(to: Array(challenge.utf8)) }
  }

  @Test(
    "A4: a nonce that does not extend the client's is refused",
    arguments: [
      "rOprNGfwEbeRWgbNEkqO", "rOprNGfwEbeRWgbNEkq", "x", "xrOprNGfwEbeRWgbNEkqO", "ROPRNGFWEBERWGBNEKQOx",
    ])
  func foreignNonce(nonce: String) throws {
    let failure = try refusal("r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096")
    #expect(failure?.condition == "scram-nonce" && failure?.status == .authentication)
  }

  @Test(
    "A5: iteration counts out of bounds are refused before anything is derived",
    arguments: [
      "1", "4095", "1000001", "2147483647", "2147483648", "4294967296", "99999999999999999999999999",
    ])
  func iterations(count: String) throws {
    // The derivation of 2³¹ rounds would take a quarter of an hour; a refusal that did it first would be seen.
    let start = Deadline.now
    let failure = try refusal("r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=\(count)")
    #expect(failure?.condition == "scram-iterations" && failure?.status == .authentication)
    #expect(Deadline.now.milliseconds(since: start) < 5000)
  }

  @Test("A5: the largest and the smallest count pass", arguments: ["4096", "1000000"])
  func iterationBounds(count: String) throws {
    #expect(try refusal("r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,i=\(count)") == nil)
  }

  @Test(
    "A5: junk is refused",
    arguments: [
      "i=", "i=x", "i=4096x", "i=-4096", "i=+4096", "i= 4096", "i=0", "i=04096", "i=4096.0", "", "i",
      "I=4096",
      "i=4096,", "i=4096,h", "i=4096,1=x", "i=4096,hx", "i=\u{664}\u{660}\u{669}\u{666}",
    ])
  func junk(tail: String) throws {
    let failure = try refusal("r=\(nonce),s=W22ZaJ0SNY7soEsUEjb6gQ==,\(tail)")
    #expect(failure?.condition == "scram-malformed" && failure?.status == .authentication)
  }

  @Test(
    "salts that are not base64, parts out of order and mandatory extensions are refused",
    arguments: [
      ("r=%,s=,i=4096", "scram-malformed"), ("r=%,s=W22Z aJ0=,i=4096", "scram-malformed"),
      ("r=%,s=W22ZaJ0SNY7soEsUEjb6gQ,i=4096", "scram-malformed"), ("r=%,s=====,i=4096", "scram-malformed"),
      ("s=W22ZaJ0S,r=%,i=4096", "scram-malformed"), ("r=%,i=4096,s=W22ZaJ0S", "scram-malformed"),
      ("r=%\u{E9},s=W22ZaJ0S,i=4096", "scram-malformed"), ("r=% ,s=W22ZaJ0S,i=4096", "scram-malformed"),
      ("m=x,r=%,s=W22ZaJ0S,i=4096", "scram-extension"), ("", "scram-malformed"), (",", "scram-malformed"),
      ("e=unknown-user", "other-error"), ("e", "other-error"),
    ])
  func malformed(challenge: String, condition: String) throws {
    let pieces = challenge.split(separator: "%", omittingEmptySubsequences: false)
    #expect(try refusal(pieces.joined(separator: nonce))?.condition == condition)
  }

  @Test("extensions that nobody must understand pass")
  func optionalExtensions() throws {
    #expect(try refusal(challenge + ",x=1,Y=a=b") == nil)
  }

  @Test("A12: a downgrade hash over other lists than arrived fails the login")
  func downgrade() throws {
    let full = SASLOffer(
      mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-512"], channelBindings: ["tls-exporter"])
    let hash = String(decoding: Base64.encode(try Hash.sha256.digest(full.downgradeInput)), as: UTF8.self)
    let attacked = [
      SASLOffer(mechanisms: ["SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"], channelBindings: ["tls-exporter"]),
      SASLOffer(mechanisms: full.mechanisms, channelBindings: ["tls-server-end-point"]),
      SASLOffer(mechanisms: full.mechanisms, channelBindings: []),
      SASLOffer(mechanisms: full.mechanisms),
    ]
    #expect(try refusal(challenge + ",h=" + hash, offer: full) == nil)
    for offer in attacked {
      let failure = try refusal(challenge + ",h=" + hash, offer: offer)
      #expect(failure?.condition == "downgrade" && failure?.status == .authentication)
    }
    #expect(try refusal(challenge + ",h=x", offer: full)?.condition == "downgrade")
    #expect(try refusal(challenge + ",h=\(hash),h=x", offer: full)?.condition == "downgrade")
  }

  @Test("server errors are told by their names")
  func serverErrors() throws {
    for (error, condition) in [
      ("e=channel-bindings-dont-match", "channel-bindings-dont-match"),
      ("e=invalid-proof,x=y", "invalid-proof"),
      ("e=made-up", "other-error"),
    ] {
      var client = try scram()
      _ = try client.initialResponse()
      _ = try client.respond(to: Array(challenge.utf8))
      let failure = failure { () throws(Failure) in try client.finish(with: Array(error.utf8)) }
      #expect(failure?.condition == condition && failure?.status == .authentication)
    }
  }

  @Test("names and passwords are prepared, and names escaped")
  func preparation() throws {
    var client = try scram(user: "I\u{AD}X,=\u{2168}", nonce: "abc")
    #expect(try text(client.initialResponse()) == "n,,n=IX=2C=3DIX,r=abc")
    var (wide, plain) = (try scram(password: "\u{FF50}encil"), try scram())
    (_, _) = (try wide.initialResponse(), try plain.initialResponse())
    #expect(try wide.respond(to: Array(challenge.utf8)) == plain.respond(to: Array(challenge.utf8)))
    var forbidden = try scram(password: "a\u{7}")
    _ = try forbidden.initialResponse()
    #expect(
      failure { () throws(Failure) in _ = try forbidden.respond(to: Array(challenge.utf8)) }?.condition
        == "saslprep")
  }

  @Test("whatever the server sends, it is an answer or a failure, and never a login without the signature")
  func mutations() throws {
    var random = SeededRandom(seed: 5802)
    var (refused, answered) = (0, 0)
    for _ in 0..<2_000 {
      var client = try scram()
      _ = try client.initialResponse()
      let message = mutated(Array((challenge + ",h=x").utf8.dropLast(4)), &random)
      do throws(Failure) {
        _ = try client.respond(to: message)
        answered += 1
        try client.finish(with: mutated(Array("v=AAAA".utf8), &random))
        Issue.record("logged in")
      } catch {
        refused += 1
        #expect(error.stage == .auth)
      }
    }
    #expect(refused == 2_000 && answered > 0)
  }

  @Test func noncesAreFreshAndPrintable() throws {
    let nonces = try (0..<100).map { _ in try freshNonce() }
    #expect(Set(nonces).count == 100)
    #expect(nonces.allSatisfy { $0.utf8.count == 24 && !$0.contains(",") })
  }
}

/// A secret of that text.
func secret(_ text: String) -> Secret {
  var bytes = Array(text.utf8)
  return Secret(wiping: &bytes)
}

/// What an action fails with.
func failure(_ action: () throws(Failure) -> Void) -> Failure? {
  do throws(Failure) {
    try action()
    return nil
  } catch {
    return error
  }
}

/// Bytes as text.
func text(_ bytes: [UInt8]?) -> String { String(decoding: bytes ?? [], as: UTF8.self) }

/// A message with one to four bytes changed, left out, put in or doubled, or its end cut off.
func mutated(_ message: [UInt8], _ random: inout SeededRandom) -> [UInt8] {
  var message = message
  for _ in 0..<Int.random(in: 1...4, using: &random) where !message.isEmpty {
    let place = Int.random(in: 0..<message.count, using: &random)
    switch Int.random(in: 0..<5, using: &random) {
    case 0: message[place] = UInt8.random(in: 0...255, using: &random)
    case 1: message.remove(at: place)
    case 2: message.insert(Array(",=\"\\ \u{0}9".utf8).randomElement(using: &random) ?? 0, at: place)
    case 3: message.insert(contentsOf: message[place...], at: place)
    default: message.removeLast(message.count - place)
    }
  }
  return message
}
