import Foundation
import TestSupport
import Testing
import XMPP

/// Files and variables that say which certificates to trust and to show.
@Suite struct TrustRowsTests {
  private let certificates: TestCertificates
  private let folder: TemporaryFolder
  private let leaf: TestCertificates.Issued

  init() throws {
    certificates = try TestCertificates()
    folder = try TemporaryFolder()
    leaf = try certificates.leaf("example.org")
  }

  /// A run against a server of the authority, with nothing but variables to say that it is to be trusted.
  private func connect(_ variables: [String: String], _ options: [String] = []) throws -> Outcome {
    let done = Dialogue.header() + Dialogue.features(Dialogue.plain)
    let peer = try ScriptedPeer(scripts: [.direct(TestTLSServer(leaf), done) + [.silence]])
    let outcome = try Program.xmppctl.run(
      ["features"] + peer.way("direct", options), environment: variables)
    // Not everybody comes to the end of the script, or to a connection.
    _ = try? peer.finish()
    return outcome
  }

  /// A folder with an authority under the hash of its subject.
  private func hashed(_ authority: String, as name: String) throws -> String {
    let made = folder.path(name)
    try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
    let file = "\(try hash(of: authority)).0"
    try FileManager.default.copyItem(atPath: authority, toPath: "\(made)/\(file)")
    return made
  }

  private func hash(of authority: String) throws -> String {
    let outcome = try Program("/usr/bin/openssl").run(["x509", "-noout", "-subject_hash", "-in", authority])
    return outcome.output.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test("C30: what is no regular file is not read as certificates or a key, and never waited for")
  func irregular() throws {
    let pipe = folder.path("pipe")
    try #require(mkfifo(pipe, 0o600) == 0)
    for path in [pipe, folder.path, "/dev/zero"] {
      for (options, variables) in [
        (["--cacert", path], [:]), (["--cert", path], [:]),
        (["--cert", leaf.certificate, "--key", path], [:]),
        ([], ["SSL_CERT_FILE": path]),
      ] as [([String], [String: String])] {
        let way = ["connect", "--connect-to", "127.0.0.1:1", "--max-time", "5", "example.org"]
        let outcome = try Program.xmppctl.run(way + options, environment: variables, within: .seconds(20))
        #expect(outcome.status == 66, "\(path) \(options): \(outcome.error)")
        #expect(
          outcome.error.contains("\(path): not a regular file") && outcome.duration < .seconds(5),
          "\(outcome.error)")
      }
    }
  }

  @Test("C30: a file of certificates has a limit, found by reading no more than that")
  func tooLarge() throws {
    let file = folder.path("large.pem")
    try #require(FileManager.default.createFile(atPath: file, contents: nil))
    try #require(truncate(file, 1 << 40) == 0)
    let way = ["connect", "--connect-to", "127.0.0.1:1", "--max-time", "15", "example.org"]
    let outcome = try Program.xmppctl.run(way + ["--cacert", file])
    #expect(outcome.status == 65 && outcome.error.contains("larger than 4 MiB"), "\(outcome.error)")
  }

  @Test("C31: SSL_CERT_FILE and SSL_CERT_DIR replace the system's authorities, each and both")
  func variables() throws {
    let authority = certificates.authorityFile
    let others = try TestCertificates(authority: "Another")
    // Its files go with it.
    defer { withExtendedLifetime(others) {} }
    let another = others.authorityFile
    let known = try hashed(authority, as: "known")
    let unknown = try hashed(another, as: "unknown")
    for (variables, status) in [
      (["SSL_CERT_FILE": authority], 0), (["SSL_CERT_FILE": another], 80), (["SSL_CERT_DIR": known], 0),
      (["SSL_CERT_DIR": unknown], 80), (["SSL_CERT_DIR": "\(unknown):/nonexistent:\(known)"], 0),
      (["SSL_CERT_FILE": another, "SSL_CERT_DIR": known], 0),
      (["SSL_CERT_FILE": authority, "SSL_CERT_DIR": unknown], 0),
      (["SSL_CERT_FILE": another, "SSL_CERT_DIR": unknown], 80),
    ] as [([String: String], Int32)] {
      let outcome = try connect(variables)
      #expect(outcome.status == status, "\(variables): \(outcome.error)")
    }
    #expect(try connect(["SSL_CERT_FILE": another], ["--cacert", authority]).status == 0)
    #expect(try connect(["SSL_CERT_FILE": authority], ["--cacert", another]).status == 80)
  }

  @Test(
    "C31: a variable that leads to no authority is an error that names it, and not the system's trust store")
  func useless() throws {
    let empty = try folder.write("empty.pem", "")
    let plain = folder.path("plain")
    try FileManager.default.createDirectory(atPath: plain, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: certificates.authorityFile, toPath: "\(plain)/authority.pem")
    for (variables, name, status) in [
      (["SSL_CERT_FILE": "/nonexistent"], "SSL_CERT_FILE", 66),
      (["SSL_CERT_FILE": empty], "SSL_CERT_FILE", 65),
      (["SSL_CERT_DIR": plain], "SSL_CERT_DIR", 66), (["SSL_CERT_DIR": "/nonexistent"], "SSL_CERT_DIR", 66),
      (["SSL_CERT_FILE": certificates.authorityFile, "SSL_CERT_DIR": plain], "SSL_CERT_DIR", 66),
    ] as [([String: String], String, Int32)] {
      let outcome = try connect(variables)
      #expect(outcome.status == status, "\(variables): \(outcome.error)")
      #expect(outcome.error.contains("input: \(name): "), "\(outcome.error)")
    }
    // What the hint says.
    let rehashed = try Program("/usr/bin/openssl").run(["rehash", plain])
    #expect(rehashed.status == 0)
    #expect(try connect(["SSL_CERT_DIR": plain]).status == 0)
  }

  @Test("C30: a FIFO under the name that an authority's file has in a folder is not waited for")
  func hashedPipe() throws {
    let made = folder.path("pipes")
    try FileManager.default.createDirectory(atPath: made, withIntermediateDirectories: true)
    try #require(mkfifo("\(made)/\(hash(of: certificates.authorityFile)).0", 0o600) == 0)
    let outcome = try connect(["SSL_CERT_DIR": made])
    #expect(outcome.status == 80 && outcome.duration < .seconds(10), "\(outcome.error)")
  }
}
