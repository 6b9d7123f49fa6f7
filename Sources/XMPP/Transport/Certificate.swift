import COpenSSL
import Glibc

/// An X.509 certificate: the owner of one reference to OpenSSL's.
///
/// It never changes, and OpenSSL counts references atomically, so it may be shared.
final class Certificate: @unchecked Sendable {
  /// OpenSSL's `X509 *`.
  let handle: OpaquePointer

  /// Takes over one reference.
  init(owning handle: OpaquePointer) { self.handle = handle }

  /// Adds a reference of its own.
  init(sharing handle: OpaquePointer) {
    X509_up_ref(handle)
    self.handle = handle
  }

  deinit { X509_free(handle) }

  var summary: CertificateSummary {
    CertificateSummary(
      subject: oneLine(X509_get_subject_name(handle)), issuer: oneLine(X509_get_issuer_name(handle)),
      notBefore: seconds(of: X509_get0_notBefore(handle)), notAfter: seconds(of: X509_get0_notAfter(handle)),
      sha256: hexadecimal(digest(EVP_sha256())))
  }

  /// The identities of the subjectAltName that XMPP knows. What cannot be read is no name.
  var names: [CertificateName] {
    guard let found = X509_get_ext_d2i(handle, NID_subject_alt_name, nil, nil) else { return [] }
    let names = OpaquePointer(found)
    defer { GENERAL_NAMES_free(names) }
    return (0..<max(0, OPENSSL_sk_num(names))).compactMap { index in
      OPENSSL_sk_value(names, index).flatMap {
        name(in: $0.assumingMemoryBound(to: GENERAL_NAME.self).pointee)
      }
    }
  }

  /// SHA-256 of the SubjectPublicKeyInfo.
  var publicKeySHA256: [UInt8] {
    var encoded: UnsafeMutablePointer<UInt8>?
    let count = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(handle), &encoded)
    defer { CRYPTO_free(encoded, #file, #line) }
    guard count > 0, let encoded else { return [] }
    return hash(UnsafeRawBufferPointer(start: encoded, count: Int(count)), EVP_sha256())
  }

  /// The hash for `tls-server-end-point` (RFC 5929 §4.1): that of the signature, MD5 and SHA-1 lifted to
  /// SHA-256; `nil` where the signature has no hash of its own (Ed25519), for which the RFC defines nothing.
  var endPointHash: [UInt8]? {
    var algorithm = NID_undef
    guard X509_get_signature_info(handle, &algorithm, nil, nil, nil) == 1 else { return nil }
    if algorithm == NID_md5 || algorithm == NID_sha1 { algorithm = NID_sha256 }
    guard algorithm != NID_undef, let method = EVP_get_digestbyname(OBJ_nid2sn(algorithm)) else { return nil }
    let hash = digest(method)
    return hash.isEmpty ? nil : hash
  }

  /// What names the file of its issuer in a folder of authorities: eight hexadecimal digits.
  var issuerHash: String {
    let digits = String(X509_issuer_name_hash(handle), radix: 16)
    return String(repeating: "0", count: max(0, 8 - digits.utf8.count)) + digits
  }

  /// Whether it may issue others.
  var isAuthority: Bool { X509_check_ca(handle) != 0 }

  /// Whether its subject is the name the other gives as its issuer.
  func hasSubject(ofIssuerOf other: Certificate) -> Bool {
    X509_NAME_cmp(X509_get_subject_name(handle), X509_get_issuer_name(other.handle)) == 0
  }

  /// Whether its name constraints permit certificates for a domain; so without such constraints.
  ///
  /// What cannot be read, or limits the number of labels (RFC 5280 §4.2.1.10 forbids that), permits nothing.
  func permitsDomain(_ domain: String) -> Bool {
    var critical: Int32 = 0
    guard let found = X509_get_ext_d2i(handle, NID_name_constraints, &critical, nil) else {
      // -1: there is no such extension.
      return critical == -1
    }
    let constraints = found.assumingMemoryBound(to: NAME_CONSTRAINTS.self)
    defer { NAME_CONSTRAINTS_free(constraints) }
    guard let permitted = domainSubtrees(constraints.pointee.permittedSubtrees),
      let excluded = domainSubtrees(constraints.pointee.excludedSubtrees)
    else { return false }
    return (permitted.isEmpty || permitted.contains { $0.contains(domain) })
      && !excluded.contains { $0.contains(domain) }
  }

  /// The subtrees of DNS names; `nil` if one of them cannot be read.
  private func domainSubtrees(_ list: OpaquePointer?) -> [DomainSubtree]? {
    var subtrees: [DomainSubtree] = []
    for index in 0..<max(0, OPENSSL_sk_num(list)) {
      guard
        let subtree = OPENSSL_sk_value(list, index)?.assumingMemoryBound(to: GENERAL_SUBTREE.self).pointee,
        let base = subtree.base?.pointee
      else { return nil }
      guard base.type == GEN_DNS else { continue }
      let isWhole =
        subtree.maximum == nil && (subtree.minimum == nil || ASN1_INTEGER_get(subtree.minimum) == 0)
      guard isWhole, let name = text(of: base.d.dNSName), let domains = DomainSubtree(name) else {
        return nil
      }
      subtrees.append(domains)
    }
    return subtrees
  }

  private func digest(_ method: OpaquePointer?) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    guard X509_digest(handle, method, &bytes, &count) == 1 else { return [] }
    return Array(bytes.prefix(Int(count)))
  }

  private func name(in name: GENERAL_NAME) -> CertificateName? {
    switch name.type {
    case GEN_DNS: return text(of: name.d.dNSName).map { CertificateName(.dns, $0) }
    case GEN_IPADD: return address(in: name.d.iPAddress).map { CertificateName(.ip, $0) }
    case GEN_OTHERNAME: return name.d.otherName.flatMap { otherName(in: $0.pointee) }
    default: return nil
    }
  }

  private func otherName(in name: OTHERNAME) -> CertificateName? {
    guard let type = name.type_id, let value = name.value?.pointee else { return nil }
    switch (OBJ_obj2nid(type), value.type) {
    case (NID_SRVName, V_ASN1_IA5STRING):
      return text(of: value.value.ia5string).map { CertificateName(.srv, $0) }
    case (NID_XmppAddr, V_ASN1_UTF8STRING):
      return text(of: value.value.utf8string).map { CertificateName(.xmppAddress, $0) }
    default: return nil
    }
  }

  private func bytes(of string: UnsafePointer<ASN1_STRING>?) -> UnsafeBufferPointer<UInt8> {
    guard let string, let data = ASN1_STRING_get0_data(string) else {
      return UnsafeBufferPointer(start: nil, count: 0)
    }
    return UnsafeBufferPointer(start: data, count: max(0, Int(ASN1_STRING_length(string))))
  }

  private func text(of string: UnsafePointer<ASN1_STRING>?) -> String? {
    string == nil ? nil : String(decoding: bytes(of: string), as: UTF8.self)
  }

  private func address(in string: UnsafePointer<ASN1_STRING>?) -> String? {
    let bytes = bytes(of: string)
    guard bytes.count == 4 || bytes.count == 16 else { return nil }
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    let family = bytes.count == 4 ? AF_INET : AF_INET6
    guard inet_ntop(family, bytes.baseAddress, &text, socklen_t(text.count)) != nil else { return nil }
    return text.withUnsafeBufferPointer { $0.baseAddress.map(String.init(cString:)) }
  }

  private func oneLine(_ name: OpaquePointer?) -> String {
    guard let name, let bio = BIO_new(BIO_s_mem()) else { return "" }
    defer { BIO_free(bio) }
    guard X509_NAME_print_ex(bio, name, 0, xn_flag_utf8_line) >= 0 else { return "" }
    var data: UnsafeMutablePointer<CChar>?
    let count = bio_get_mem_data(bio, &data)
    return String(decoding: UnsafeRawBufferPointer(start: data, count: max(0, count)), as: UTF8.self)
  }

  private func seconds(of time: UnsafePointer<ASN1_TIME>?) -> Int64 {
    var parts = tm()
    guard ASN1_TIME_to_tm(time, &parts) == 1 else { return 0 }
    return Int64(timegm(&parts))
  }
}

/// The certificates of OpenSSL's `STACK_OF(X509)`, in their order.
func certificates(in stack: OpaquePointer?) -> [Certificate] {
  (0..<max(0, OPENSSL_sk_num(stack))).compactMap { index in
    OPENSSL_sk_value(stack, index).map { Certificate(sharing: OpaquePointer($0)) }
  }
}

/// A hash of some bytes.
func hash(_ bytes: UnsafeRawBufferPointer, _ method: OpaquePointer?) -> [UInt8] {
  var result = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
  var count: UInt32 = 0
  guard EVP_Digest(bytes.baseAddress, bytes.count, &result, &count, method, nil) == 1 else { return [] }
  return Array(result.prefix(Int(count)))
}

/// Bytes in lower-case hexadecimal.
func hexadecimal(_ bytes: [UInt8]) -> String {
  let digits = Array("0123456789abcdef".utf8)
  return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

/// Bytes in base64 with padding (RFC 4648 §4).
func base64(_ bytes: [UInt8]) -> String {
  var text = [UInt8](repeating: 0, count: (bytes.count + 2) / 3 * 4 + 1)
  let count = EVP_EncodeBlock(&text, bytes, Int32(clamping: bytes.count))
  return String(decoding: text.prefix(Int(max(0, count))), as: UTF8.self)
}
