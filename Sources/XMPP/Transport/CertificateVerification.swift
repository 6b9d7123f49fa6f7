import COpenSSL
import Glibc

/// Decides whether a server's certificate is one for the domain: OpenSSL builds the chain and names what is
/// wrong with it, the name and the pins are judged here (RFC 6120 §13.7.2).
struct CertificateVerification {
  /// The domain as A-labels, or an IP address literal.
  let reference: String
  let service: XMPPService
  let options: TLSOptions
  /// The security level that keys and signatures must reach, as `SSL_get_security_level` has it.
  var securityLevel: Int32 = 2

  /// What was found: the description for the report, and the failure where there is one.
  struct Verdict {
    let description: CertificateDescription
    /// Why the connection must not be used; `nil` also where the user chose to go on.
    let failure: Failure?
  }

  /// Judges a chain.
  ///
  /// - Parameters:
  ///   - chain: what the server sent, the leaf first.
  ///   - now: seconds since 1970.
  /// - Throws: only where there is no certificate, or OpenSSL fails.
  func judge(_ chain: [Certificate], now: Int64) throws(Failure) -> Verdict {
    guard let leaf = chain.first else {
      throw Failure(.certificate, "no-certificate", "the server sent no certificate", status: .certificate)
    }
    let names = leaf.names
    let matched = names.first { $0.matches(reference, for: service) }
    let pinned = options.pins.isEmpty || options.pins.contains { $0.sha256 == leaf.publicKeySHA256 }

    let built = try build(chain, now: now)
    var problems = built.problems
    if matched == nil { problems.append(wrongName(names)) }
    if let outside = outsideConstraints(of: built.path) { problems.append(outside) }
    if !pinned { problems.append(wrongPin(leaf)) }

    let summary = leaf.summary
    let days = { (end: Int64) in floorDivide(end &- now, 86400) }
    let first = (built.path.map(\.summary) + [summary]).min { $0.notAfter < $1.notAfter } ?? summary
    let message = problems.isEmpty ? nil : problems.map(\.message).joined(separator: "; ")
    let description = CertificateDescription(
      leaf: summary, names: names, spkiSHA256: base64(leaf.publicKeySHA256),
      daysLeft: days(first.notAfter),
      expiresFirst: days(first.notAfter) < days(summary.notAfter) ? first.subject : nil,
      chain: chain.map(\.summary),
      reference: reference,
      matched: matched?.description, verified: problems.isEmpty, reason: problems.first?.reason,
      message: message)

    let fatal = options.insecure ? problems.filter { $0.reason == "wrong-pin" } : problems
    let failure = fatal.first.map {
      Failure(
        .certificate, $0.reason, fatal.map(\.message).joined(separator: "; "),
        remedy: remedy(Set(fatal.map(\.reason)), names, key: "sha256//\(base64(leaf.publicKeySHA256))"),
        status: .certificate)
    }
    return Verdict(description: description, failure: failure)
  }

  private func wrongName(_ names: [CertificateName]) -> Problem {
    let usable = names.prefix(8).map(\.description).joined(separator: ", ") + (names.count > 8 ? ", …" : "")
    let what = names.isEmpty ? "it names no domain (a common name does not count)" : "its names are \(usable)"
    return Problem("wrong-name", "the certificate is not for \(reference): \(what)")
  }

  private func wrongPin(_ leaf: Certificate) -> Problem {
    Problem(
      "wrong-pin", "the server's public key is sha256//\(base64(leaf.publicKeySHA256)), which is not pinned")
  }

  /// An authority of the path that may not issue for the reference domain (RFC 5280 §4.2.1.10).
  ///
  /// OpenSSL applies constraints on DNS names to dNSNames only, so without this an SRV-ID or an XMPP address would
  /// evade them. An IP address literal matches an iPAddress only, to which OpenSSL applies the constraints there are.
  private func outsideConstraints(of path: [Certificate]) -> Problem? {
    guard IPAddress(reference) == nil else { return nil }
    return path.first { !$0.permitsDomain(reference) }.map {
      Problem(
        "name-constraint",
        "\($0.summary.subject) may not issue certificates for \(reference) (name constraints)")
    }
  }

  /// The path that OpenSSL builds from the leaf to an authority, and what it finds wrong with it, in the order in
  /// which it finds it.
  private func build(
    _ chain: [Certificate], now: Int64
  ) throws(Failure) -> (path: [Certificate], problems: [Problem]) {
    let store = try options.trust.makeStore(for: chain)
    defer { X509_STORE_free(store) }
    guard let leaf = chain.first, let context = X509_STORE_CTX_new(), let others = OPENSSL_sk_new_null()
    else {
      throw outOfMemory
    }
    defer {
      X509_STORE_CTX_free(context)
      OPENSSL_sk_free(others)
    }
    for certificate in chain.dropFirst() { OPENSSL_sk_push(others, UnsafeRawPointer(certificate.handle)) }
    guard X509_STORE_CTX_init(context, store, leaf.handle, others) == 1,
      X509_STORE_CTX_set_default(context, "ssl_server") == 1
    else { throw outOfMemory }
    X509_STORE_CTX_set_time(context, 0, time_t(now))
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(context), securityLevel)

    let findings = Findings()
    X509_STORE_CTX_set_ex_data(context, 0, Unmanaged.passUnretained(findings).toOpaque())
    X509_STORE_CTX_set_verify_cb(context, noteFinding)
    let result = withExtendedLifetime(findings) { X509_verify_cert(context) }
    if result != 1 && findings.all.isEmpty {
      findings.all.append(Finding(code: X509_STORE_CTX_get_error(context), certificate: leaf))
    }
    ERR_clear_error()
    let path = certificates(in: X509_STORE_CTX_get0_chain(context))
    return (path, distinct(findings.all.map { problem($0, in: chain) }))
  }

  private func problem(_ finding: Finding, in chain: [Certificate]) -> Problem {
    let summary = finding.certificate.summary
    let whose =
      finding.certificate.handle == chain.first?.handle
      ? "the certificate" : "\(summary.subject) of its chain"
    switch finding.code {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return Problem("expired", "\(whose) expired on \(date(summary.notAfter))")
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return Problem(
        "not-yet-valid", "\(whose) is valid only from \(date(summary.notBefore))")
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return Problem("self-signed", "the certificate is self-signed")
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      return Problem(
        "unknown-issuer", "the certificate is issued by \(summary.subject), which is not trusted")
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT,
      X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, X509_V_ERR_CERT_UNTRUSTED:
      if let issuer = chain.first(where: { $0.hasSubject(ofIssuerOf: finding.certificate) }),
        !issuer.isAuthority
      {
        return notAnAuthority(issuer)
      }
      return Problem(
        "unknown-issuer", "the issuer of \(whose) is not trusted: \(summary.issuer)")
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
      return Problem(
        "unknown-issuer", "\(whose) is not signed by the issuer it names: \(summary.issuer)")
    case X509_V_ERR_INVALID_CA, X509_V_ERR_KEYUSAGE_NO_CERTSIGN:
      return notAnAuthority(finding.certificate)
    case X509_V_ERR_INVALID_PURPOSE, X509_V_ERR_CERT_REJECTED:
      return Problem("invalid-purpose", "\(whose) is not for TLS servers")
    case X509_V_ERR_EE_KEY_TOO_SMALL, X509_V_ERR_CA_KEY_TOO_SMALL:
      return Problem("weak-key", "the key of \(whose) is too short")
    case X509_V_ERR_CA_MD_TOO_WEAK:
      return Problem("weak-key", "\(whose) is signed with a hash that is too weak")
    case X509_V_ERR_PERMITTED_VIOLATION, X509_V_ERR_EXCLUDED_VIOLATION,
      X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX,
      X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, X509_V_ERR_SUBTREE_MINMAX:
      return Problem(
        "name-constraint",
        "the names of \(whose) violate the name constraints of its chain: \(verifyError(finding.code))")
    default:
      return Problem(
        "invalid-certificate",
        "\(whose): \(verifyError(finding.code))")
    }
  }

  private func verifyError(_ code: Int32) -> String {
    String(cString: X509_verify_cert_error_string(Int(code)))
  }

  private func notAnAuthority(_ issuer: Certificate) -> Problem {
    Problem(
      "issuer-not-a-ca",
      "the issuer of the certificate is no certificate authority: \(issuer.summary.subject)")
  }

  /// One word for one reason: OpenSSL tells of an unknown issuer in two or three ways.
  private func distinct(_ problems: [Problem]) -> [Problem] {
    var seen: [Problem] = []
    for problem in problems where !seen.contains(where: { $0.reason == problem.reason }) {
      seen.append(problem)
    }
    // A certificate without a trusted issuer cannot have its signature verified either; that says nothing
    // new.
    let hasCause = seen.contains { ["self-signed", "issuer-not-a-ca"].contains($0.reason) }
    return seen.filter { !(hasCause && $0.reason == "unknown-issuer") }
  }
}

/// Something wrong with a certificate.
private struct Problem {
  let reason: String
  let message: String

  init(_ reason: String, _ message: String) {
    self.reason = reason
    self.message = message
  }
}

/// What OpenSSL said of one certificate of the chain.
private struct Finding {
  let code: Int32
  let certificate: Certificate
}

private final class Findings {
  var all: [Finding] = []
}

/// OpenSSL's verify callback: takes note and goes on, so that every reason is found.
private func noteFinding(_ ok: Int32, _ context: OpaquePointer?) -> Int32 {
  guard ok != 1, let context, let pointer = X509_STORE_CTX_get_ex_data(context, 0) else { return ok }
  let findings = Unmanaged<Findings>.fromOpaque(pointer).takeUnretainedValue()
  guard let certificate = X509_STORE_CTX_get_current_cert(context) ?? X509_STORE_CTX_get0_cert(context),
    findings.all.count < 100
  else { return 0 }
  findings.all.append(
    Finding(code: X509_STORE_CTX_get_error(context), certificate: Certificate(sharing: certificate)))
  return 1
}

/// A day and time of UTC, such as `2026-11-22 10:00:00 UTC`.
private func date(_ seconds: Int64) -> String {
  var moment = time_t(seconds)
  var parts = tm()
  guard gmtime_r(&moment, &parts) != nil else { return "an unknown day" }
  var text = [CChar](repeating: 0, count: 64)
  let count = strftime(&text, text.count, "%Y-%m-%d %H:%M:%S UTC", &parts)
  return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func floorDivide(_ value: Int64, _ by: Int64) -> Int64 {
  value / by - (value % by < 0 ? 1 : 0)
}
