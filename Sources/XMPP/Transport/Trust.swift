import COpenSSL
import Glibc

/// Whom to believe about names.
public enum Trust: Sendable {
  /// The authorities of the system, or of `SSL_CERT_FILE` and `SSL_CERT_DIR`; looked up only when a chain is
  /// verified.
  case system
  /// These alone.
  case authorities(Authorities)

  /// The certificates of one PEM file.
  public struct Authorities: Sendable {
    let certificates: [Certificate]
  }

  /// OpenSSL's `X509_STORE *`, owned by the caller.
  func makeStore() throws(Failure) -> OpaquePointer {
    guard let store = X509_STORE_new() else { throw outOfMemory }
    switch self {
    case .authorities(let authorities):
      for certificate in authorities.certificates { X509_STORE_add_cert(store, certificate.handle) }
      // Whoever names an intermediate certificate, or the server's own, means that one.
      X509_STORE_set_flags(store, UInt(X509_V_FLAG_PARTIAL_CHAIN))
    case .system:
      SystemTrust.current.fill(store)
    }
    return store
  }
}

extension Trust.Authorities {
  /// Reads them.
  ///
  /// - Throws: `.noInput` where the file cannot be read, `.data` where it does not hold certificates.
  public init(file: String) throws(Failure) {
    self.init(certificates: try PEMFile(path: file).certificates())
  }
}

/// Where the system keeps its authorities.
struct SystemTrust {
  /// Files of all authorities, in the order to try them; the first that exists is enough.
  var files: [String]
  /// Folders with a file for each authority, named by a hash of its subject.
  var folders: [String]
  /// Whether a file is read only where there is no folder.
  var prefersFolders: Bool

  /// As the environment and OpenSSL's build have it.
  static var current: SystemTrust {
    let file = environment(X509_get_default_cert_file_env())
    let folder = environment(X509_get_default_cert_dir_env())
    return SystemTrust(
      files: file.map { [$0] } ?? [
        String(cString: X509_get_default_cert_file()), "/etc/ssl/certs/ca-certificates.crt",
        "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
      ],
      folders: folder.map { $0.split(separator: ":").map(String.init) } ?? [
        String(cString: X509_get_default_cert_dir()), "/etc/ssl/certs",
      ],
      prefersFolders: file == nil)
  }

  /// Lets a store find them. A folder is looked into by name while a chain is built, which costs a fraction
  /// of reading a whole bundle.
  func fill(_ store: OpaquePointer) {
    let hashed = folders.first(where: isHashed)
    if let hashed, let lookup = X509_STORE_add_lookup(store, X509_LOOKUP_hash_dir()) {
      _ = x509_lookup_add_dir(lookup, hashed)
      if prefersFolders { return }
    }
    _ = files.first { X509_STORE_load_file(store, $0) == 1 }
    ERR_clear_error()
  }

  /// Whether a folder has a name such as `4042bcee.0`.
  private func isHashed(_ folder: String) -> Bool {
    guard let stream = opendir(folder) else { return false }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { $0.prefix { $0 != 0 }.map { $0 } }
      if name.count == 10, name.suffix(2) == Array(".0".utf8)[...] { return true }
    }
    return false
  }

  private static func environment(_ name: UnsafePointer<CChar>?) -> String? {
    guard let name, let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
