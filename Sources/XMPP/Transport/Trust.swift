import COpenSSL
import Glibc

/// The certificate authorities that are trusted.
public enum Trust: Sendable {
  /// Those of the system; looked up only when a chain is verified.
  case system
  /// These alone.
  case authorities(Authorities)

  /// Authorities that the user named: those of a file, of some folders, or of both.
  public struct Authorities: Sendable {
    let certificates: [Certificate]
    /// Folders with a file for each authority, named by a hash of its subject.
    let folders: [String]
    /// Whether a certificate that is no root, such as the server's own, is trusted as one.
    let acceptsPartialChains: Bool

    /// Whether they are those of one file that the user named, and not of a trust store.
    public var areOfOneFile: Bool { acceptsPartialChains }

    init(certificates: [Certificate], folders: [String] = [], acceptsPartialChains: Bool = true) {
      self.certificates = certificates
      self.folders = folders
      self.acceptsPartialChains = acceptsPartialChains
    }
  }

  /// The trust store that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, the system's if neither is set.
  ///
  /// - Throws: status 66 or 65, naming the variable, if one of them leads to no authority. Using the system's instead would
  ///   trust more than the user meant to.
  public static func fromEnvironment() throws(Failure) -> Trust {
    try fromEnvironment(
      file: value(X509_get_default_cert_file_env()), folders: value(X509_get_default_cert_dir_env()))
  }

  static func fromEnvironment(file: String?, folders: String?) throws(Failure) -> Trust {
    guard file != nil || folders != nil else { return .system }
    var certificates: [Certificate] = []
    if let file {
      do throws(Failure) {
        certificates = try PEMFile(path: file).certificates()
      } catch {
        var failure = error
        failure.message = "SSL_CERT_FILE: \(error.message)"
        throw failure
      }
    }
    let named = (folders ?? "").utf8.split(separator: UInt8(ascii: ":")).map {
      String(decoding: $0, as: UTF8.self)
    }
    let hashed = named.filter(HashedFolder.hasNames)
    if let folders, hashed.isEmpty {
      throw Failure(
        .input, "no-authorities",
        "SSL_CERT_DIR: \(folders) has no certificate that is named by the hash of its subject",
        hint: "run openssl rehash \(named.first ?? "DIR"), or unset SSL_CERT_DIR", status: .noInput)
    }
    return .authorities(
      Authorities(certificates: certificates, folders: hashed, acceptsPartialChains: false))
  }

  /// OpenSSL's `X509_STORE *`, owned by the caller, with every authority that may be needed to verify a chain.
  func makeStore(for chain: [Certificate]) throws(Failure) -> OpaquePointer {
    guard let store = X509_STORE_new() else { throw outOfMemory }
    let authorities = if case .authorities(let named) = self { named } else { Trust.ofSystem }
    for certificate in authorities.certificates { X509_STORE_add_cert(store, certificate.handle) }
    HashedFolder.add(issuersOf: chain, from: authorities.folders, to: store)
    // Whoever names an intermediate certificate, or the server's own, means that one.
    if authorities.acceptsPartialChains { X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN)) }
    ERR_clear_error()
    return store
  }

  /// The folder of the system if there is one, as looking into it costs a fraction of reading a whole bundle; else the first
  /// bundle that is there.
  private static var ofSystem: Authorities {
    let folders = [String(cString: X509_get_default_cert_dir()), "/etc/ssl/certs"]
    let hashed = folders.first(where: HashedFolder.hasNames).map { [$0] } ?? []
    let bundles =
      hashed.isEmpty
      ? [
        String(cString: X509_get_default_cert_file()), "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
      ] : []
    let certificates = bundles.lazy.compactMap { try? PEMFile(path: $0).certificates() }.first ?? []
    return Authorities(certificates: certificates, folders: hashed, acceptsPartialChains: false)
  }

  private static func value(_ name: UnsafePointer<CChar>?) -> String? {
    guard let name, let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}

extension Trust.Authorities {
  /// Reads those of one file.
  ///
  /// - Throws: `.noInput` where the file cannot be read, `.data` where it does not hold certificates.
  public init(file: String) throws(Failure) {
    self.init(certificates: try PEMFile(path: file).certificates())
  }
}

/// A folder with a file for each authority, named by a hash of its subject, such as `4042bcee.0`.
///
/// OpenSSL can look into one by itself, and would wait for ever at a name that is a FIFO.
private enum HashedFolder {
  /// Whether a folder has such a name.
  static func hasNames(_ folder: String) -> Bool {
    guard let stream = opendir(folder) else { return false }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
      if name.count == 10, name.suffix(2) == Array(".0".utf8)[...] { return true }
    }
    return false
  }

  /// Adds the issuers of some certificates, theirs, and so on. What cannot be read is not there.
  static func add(issuersOf chain: [Certificate], from folders: [String], to store: OpaquePointer) {
    var seen: Set<String> = []
    var waiting = folders.isEmpty ? [] : chain
    while let certificate = waiting.popLast() {
      let hash = certificate.issuerHash
      guard seen.insert(hash).inserted else { continue }
      for folder in folders {
        var number = 0
        while let found = try? PEMFile(path: "\(folder)/\(hash).\(number)").certificates() {
          for issuer in found { X509_STORE_add_cert(store, issuer.handle) }
          waiting += found
          number += 1
        }
      }
    }
  }
}
