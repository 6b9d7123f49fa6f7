import Foundation
import TestSupport
import Testing
import XMPP

/// `connect` and `features` against Prosody and ejabberd, and in the shells of scripts.
@Suite struct RealServersTests {
  /// A real server as these tests see it.
  struct Server: Sendable {
    let name: String
    let domain: String
    let caFile: String
    let starttls: UInt16
    let direct: UInt16
    let mechanisms: [String]

    static func named(_ name: String) throws -> Server {
      if name == "Prosody" {
        let prosody = try Prosody.shared
        return Server(
          name: name, domain: prosody.domain, caFile: prosody.caFile, starttls: prosody.port,
          direct: prosody.directTLSPort, mechanisms: ["PLAIN", "SCRAM-SHA-1"])
      }
      let ejabberd = try Ejabberd.shared
      return Server(
        name: name, domain: ejabberd.domain, caFile: ejabberd.caFile, starttls: ejabberd.port,
        direct: ejabberd.directTLSPort,
        mechanisms: [
          "DIGEST-MD5", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS",
          "SCRAM-SHA-512", "SCRAM-SHA-512-PLUS", "X-OAUTH2",
        ])
    }

    func way(_ mode: String) -> [String] {
      let port = mode == "direct" ? direct : starttls
      return [
        "--connect-to", "127.0.0.1:\(port)", "--tls", mode, "--cacert", caFile, "--max-time", "20", domain,
      ]
    }
  }

  @Test("features: two streams with STARTTLS, one with direct TLS", arguments: ["Prosody", "ejabberd"])
  func features(name: String) throws {
    let server = try Server.named(name)
    for (mode, stages) in [("starttls", ["plain", "tls"]), ("direct", ["tls"])] {
      let row = try Row(server.way(mode))
      row.succeeds()
      #expect(row.each("stages", "stage") == stages)
      #expect(
        row["tls.certificate.verified"] == true && row["tls.certificate.matched"] == "dns:\(server.domain)")
      let last = "stages.\(stages.count - 1)"
      #expect(row["\(last).stream.from"] == server.domain)
      let features: [[String: Any]] = try #require(row["\(last).features"])
      let mechanisms = features.first { $0["name"] as? String == "mechanisms" }?["values"] as? [String]
      #expect(mechanisms?.sorted() == server.mechanisms, "\(row.outcome.output)")
      if mode == "starttls" {
        #expect(row["stages.0.features.0.name"] == "starttls" && row["stages.0.features.0.required"] == true)
      }
    }
  }

  @Test("connect: the endpoint, TLS and the times", arguments: ["Prosody", "ejabberd"])
  func connect(name: String) throws {
    let server = try Server.named(name)
    for mode in ["starttls", "direct"] {
      let row = try Row(server.way(mode), command: "connect")
      row.succeeds()
      #expect(row["endpoint.method"] == (mode == "direct" ? "direct-tls" : "starttls"))
      #expect(row["tls.version"] == "TLSv1.3" && (row["timings.tls"] ?? 0.0) > 0)
      #expect((row["timings.total"] ?? 0.0) >= (row["timings.tls"] ?? 0.0))
      let text = try Program.xmppctl.run(["connect"] + server.way(mode))
      #expect(text.status == 0 && text.error.isEmpty && text.output.contains("verified for \(server.domain)"))
    }
  }

  @Test(
    "A domain that is not served there, and a certificate nobody vouches for",
    arguments: ["Prosody", "ejabberd"])
  func refusals(name: String) throws {
    let server = try Server.named(name)
    let row = try Row(Array(server.way("starttls").dropLast()) + ["elsewhere.test"])
    row.fails(.protocolViolation, .stream, "host-unknown")
    // What was typed is not repeated.
    #expect(!row.has("error.hint"))
    let place = ["--connect-to", "127.0.0.1:\(server.direct)", "--tls", "direct", server.domain]
    try Row(place).fails(.certificate, .certificate, "unknown-issuer")
  }

  // MARK: - In a shell

  /// Runs a script with `xmppctl` and the way to a server as `$@`.
  private func shell(_ script: String, _ arguments: [String]) throws -> Outcome {
    try Program("/bin/sh").run(["-c", script, "sh", Program.xmppctl.path] + arguments)
  }

  @Test("jq reads it", arguments: ["Prosody", "ejabberd"])
  func jq(name: String) throws {
    let server = try Server.named(name)
    for (mode, count) in [("starttls", 2), ("direct", 1)] {
      let piped = try shell(
        "tool=$1; shift; \"$tool\" features --json \"$@\" | jq -e '.stages|length==\(count)'",
        server.way(mode))
      #expect(piped.status == 0 && piped.output == "true\n", "\(piped.error)")
    }
  }

  @Test("set -e stops a script where it fails, and goes on where it succeeds")
  func setE() throws {
    let server = try Server.named("Prosody")
    let script = "set -e; tool=$1; shift; \"$tool\" features \"$@\" >/dev/null; echo reached"
    let good = try shell(script, server.way("starttls"))
    #expect(good.status == 0 && good.output == "reached\n" && good.error.isEmpty)
    let bad = try shell(script, Array(server.way("starttls").dropLast()) + ["elsewhere.test"])
    #expect(bad.status == XMPP.ExitStatus.protocolViolation.rawValue && bad.output.isEmpty)
  }

  @Test("C3: a full disk is status 74")
  func full() throws {
    let server = try Server.named("Prosody")
    for command in [
      ["features"], ["features", "--json"], ["features", "--xml"], ["connect"], ["connect", "--json"],
    ] {
      let outcome = try Program.xmppctl.run(command + server.way("direct"), output: "/dev/full")
      #expect(outcome.status == XMPP.ExitStatus.output.rawValue, "\(command)")
      #expect(outcome.error.hasPrefix("xmppctl: \(command[0]): output: stdout: No space left on device"))
    }
  }

  @Test("C3: a closed stdout is status 74 too")
  func closed() throws {
    let server = try Server.named("Prosody")
    let outcome = try shell("tool=$1; shift; exec \"$tool\" features \"$@\" >&-", server.way("direct"))
    #expect(outcome.status == XMPP.ExitStatus.output.rawValue, "\(outcome.error)")
  }

  @Test("C2: | head -1 does not hang, and a reader that is gone is no crash")
  func head() throws {
    let server = try Server.named("Prosody")
    let script = "tool=$1; shift; \"$tool\" features \"$@\" | head -1"
    let outcome = try shell(script, server.way("starttls"))
    #expect(outcome.status == 0 && outcome.output.split(separator: "\n").count == 1)
    #expect(outcome.duration < .seconds(10))
    let gone = try shell(
      "tool=$1; shift; { \"$tool\" features \"$@\"; echo $? >&2; } | true", server.way("starttls"))
    #expect(gone.error.hasSuffix("\n74\n") || gone.error == "0\n", "\(gone.error)")
  }
}
