extension CertificateVerification {
  /// What would make a rejected certificate acceptable, if anything that a user may want does.
  ///
  /// - Parameters:
  ///   - reasons: everything that is wrong with it.
  ///   - names: its identities.
  ///   - key: its public key as `sha256//` and base64.
  func remedy(_ reasons: Set<String>, _ names: [CertificateName], key: String) -> Remedy? {
    switch reasons {
    case ["self-signed"]: .trustCertificate(key: key)
    case ["unknown-issuer"]: .trustIssuer
    case ["wrong-name"] where !names.isEmpty: parentDomain(among: names).map { .domain($0, place: nil) }
    // Nothing but its key tells whose it is. A name of another server is no reason to accept it.
    case ["wrong-name"], ["wrong-name", "unknown-issuer"]: names.isEmpty ? .acceptKey(key) : nil
    case ["wrong-name", "self-signed"]: .acceptKey(key)
    default: nil
    }
  }

  /// The domain of the certificate that the reference is a host of, if it can be typed as it is.
  private func parentDomain(among names: [CertificateName]) -> String? {
    guard IPAddress(reference) == nil else { return nil }
    let label = service.certificateLabel + "."
    return names.lazy.compactMap { name -> String? in
      switch name.kind {
      case .dns, .xmppAddress: name.value
      case .srv: name.value.utf8.starts(with: label.utf8) ? String(name.value.dropFirst(label.count)) : nil
      case .ip: nil
      }
    }.first { domain in
      let bytes = Array(domain.utf8.map(asciiLowercased))
      let isTyped = bytes.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
          || $0 == UInt8(ascii: ".")
      }
      return isTyped && bytes.first != UInt8(ascii: "-") && bytes.contains(UInt8(ascii: "."))
        && Array(reference.utf8.map(asciiLowercased)).hasSuffix([UInt8(ascii: ".")] + bytes)
    }
  }
}

extension [UInt8] {
  fileprivate func hasSuffix(_ end: [UInt8]) -> Bool { suffix(end.count).elementsEqual(end) }
}
