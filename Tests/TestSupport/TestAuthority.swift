import Foundation

/// A certificate authority of a test's own, made with the `openssl` command, and the certificates it signs for servers.
public struct TestAuthority: Sendable {
  /// The authority's certificate, in PEM.
  public let caFile: String
  private let folder: TemporaryFolder

  /// Makes the authority as `ca.pem` and `ca.key` in a folder.
  public init(in folder: TemporaryFolder) throws {
    self.folder = folder
    caFile = folder.path("ca.pem")
    try request("ca", subject: "/CN=Authority of the tests")
    try folder.write(
      "ca.ext",
      """
      basicConstraints = critical, CA:TRUE
      keyUsage = critical, keyCertSign, cRLSign
      subjectKeyIdentifier = hash
      """)
    try openssl([
      "x509", "-req", "-in", "ca.csr", "-signkey", "ca.key", "-days", "30", "-extfile", "ca.ext", "-out",
      "ca.pem",
    ])
  }

  /// Signs a certificate for some domains, as `NAME.pem` and `NAME.key`.
  public func issue(_ name: String, domains: [String]) throws {
    try request(name, subject: "/CN=Server of the tests")
    let names = domains.map { "DNS:\($0)" }.joined(separator: ", ")
    try folder.write(
      "\(name).ext",
      """
      basicConstraints = CA:FALSE
      keyUsage = critical, digitalSignature
      extendedKeyUsage = serverAuth, clientAuth
      subjectAltName = \(names)
      """)
    try openssl([
      "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
      "-days", "30", "-extfile", "\(name).ext", "-out", "\(name).pem",
    ])
  }

  /// Makes a key and asks for a certificate for it.
  private func request(_ name: String, subject: String) throws {
    try openssl([
      "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
      "-keyout", "\(name).key", "-out", "\(name).csr", "-subj", subject,
    ])
  }

  private func openssl(_ arguments: [String]) throws {
    let outcome = try Program("/usr/bin/openssl").run(arguments, folder: folder)
    guard outcome.status == 0 else {
      throw SupportFailure("openssl \(arguments.joined(separator: " ")): \(outcome.error)")
    }
  }
}
