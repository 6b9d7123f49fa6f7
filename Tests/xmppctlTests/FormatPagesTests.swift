import Foundation
import TestSupport
import Testing

@testable import XMPP
@testable import xmppctl

/// xmppctl-json(5) as a description that documents can be held to, and which of it they have used.
private struct Format {
  private let objects: [String: [ManualPage.Key]]
  private(set) var seen: Set<String> = []
  private(set) var complaints: [String] = []

  /// Objects that have another one's keys too.
  private static let extending = ["Attempt": "Endpoint", "Certificate": "Link"]

  init() throws { objects = try ManualPage("xmppctl-json.5").keys }

  private func keys(_ object: String) -> [(path: String, key: ManualPage.Key)] {
    let own = (objects[object] ?? []).map { ("\(object).\($0.name)", $0) }
    return own + (Format.extending[object].map(keys) ?? [])
  }

  /// Every key the page has.
  var written: Set<String> {
    Set(objects.flatMap { object, keys in keys.map { "\(object).\($0.name)" } })
  }

  /// The names of all keys, wherever they stand.
  var names: Set<String> { Set(objects.values.joined().map(\.name)) }

  /// Holds a value to the object of that name: no key that is not there, none missing, each of its type.
  mutating func check(_ value: JSON, _ object: String) {
    guard case .object(let members) = value else { return complain("\(value) is no \(object)") }
    let keys = keys(object)
    if keys.isEmpty { complain("the page has no \(object)") }
    for (path, key) in keys {
      if let member = members[key.name] {
        seen.insert(path)
        check(member, type: key.type, at: path)
      } else if !key.text.contains("Absent ") {
        complain("\(path) is missing")
      }
    }
    for name in members.keys where !keys.contains(where: { $0.key.name == name }) {
      complain("\(object) has no \(name)")
    }
  }

  private mutating func check(_ value: JSON, type: String, at path: String) {
    switch (type, value) {
    case ("string", .string), ("boolean", .boolean), ("number", .number): break
    case ("integer", .number(let number)) where number == number.rounded(): break
    case ("array of strings", .array(let elements)):
      for element in elements { check(element, type: "string", at: path) }
    case ("object of strings", .object(let members)):
      for member in members.values { check(member, type: "string", at: path) }
    case ("array of strings and Sx Element", .array(let elements)):
      for element in elements {
        if case .string = element { continue }
        check(element, "Element")
      }
    case (_, .array(let elements)) where type.hasPrefix("array of Sx "):
      for element in elements { check(element, String(type.dropFirst("array of Sx ".count))) }
    case (_, .object) where type.hasPrefix("Sx "): check(value, String(type.dropFirst("Sx ".count)))
    default: complain("\(path) is \(value), not \(type)")
    }
  }

  private mutating func complain(_ text: String) { complaints.append(text) }
}

/// The pages about formats, held to what the executable writes and reads.
@Suite struct FormatPagesTests {
  private func golden(_ name: String) throws -> Data {
    let folder = try #require(Bundle.module.resourceURL).appending(path: "Golden")
    return try Data(contentsOf: folder.appending(path: name))
  }

  private func line(_ bytes: [UInt8]) throws -> JSON { try JSON(Data(bytes)) }

  /// What the golden reports leave out.
  private func rareReport() throws -> Report {
    var report = Report(domain: "example.org")
    report.tls = TLSDescription(
      version: "TLSv1.2", cipher: "c", group: nil, alpn: "xmpp-client", channelBindings: [])
    let root = Element("stream", Namespace.stream, ["to": "bob@example.org"])
    report.stages = [StreamStage(kind: .plain, header: try StreamHeader(root: root), features: nil)]
    let offer = SASLOffer(mechanisms: ["SCRAM-SHA-256-PLUS"])
    let facts = MechanismChoice.Facts(
      security: .verified, channelBindings: [.tlsExporter], hasLocalpart: true, hasClientCertificate: false)
    report.authentication = AuthenticationReport(MechanismChoice(from: offer, facts), offer, sasl2: true)
    report.authentication?.channelBinding = .tlsExporter
    for part in Timings.Part.allCases { report.timings[part] = 1 }
    return report
  }

  private func stanzaLines() throws -> [JSON] {
    let lines = try golden("stanzas.jsonl").split(separator: 0x0A).map { try JSON($0) }
    let deep = String(repeating: "<a xmlns='urn:a'>", count: 60) + String(repeating: "</a>", count: 60)
    let xml =
      "<message>\(deep)<subject>a</subject><subject>b</subject></message>"
    let envelope = StanzaEnvelope(received: 0, carbon: .sent, archive: "1")
    var line = StanzaLine(.json)
    let tag = Element("message", Namespace.client, ["from": "a@b"], [])
    let skipped = try #require(Stanza(tag, skipped: .depth(1024)))
    let short = try self.line(line.line(skipped, StanzaEnvelope(received: 0)))
    return lines + [short] + [try self.line(line.line(try #require(try stanzas(xml).first), envelope))]
  }

  private func results() throws -> [JSON] {
    let reply = try #require(try stanzas("<iq type='result' id='1'/>").first)
    let refused = StanzaError.serviceUnavailable.failure("the message 1")
    return try [
      Delivery.Outcome(
        of: Element("iq", Namespace.client, ["to": "a@b", "id": "1"]), awaiting: .answer, .received,
        reply: reply),
      Delivery.Outcome(of: Element("message", Namespace.client), awaiting: .server, .failed, error: refused),
    ].map { try line(SendResult(outcome: $0).json()) }
  }

  @Test("what the executable writes is in xmppctl-json(5), key by key, and all that is there is written")
  func json() throws {
    var format = try Format()
    for name in ["report.json", "report-bound.json", "report-failed.json"] {
      format.check(try JSON(golden(name)), "Report")
    }
    format.check(try line(rareReport().json(indented: false)), "Report")
    for line in try stanzaLines() { format.check(line, "Stanza") }
    for line in try results() { format.check(line, "Result") }
    #expect(format.complaints == [])
    #expect(format.written.subtracting(format.seen) == [], "in the page and never written")
  }

  @Test func everyKeyInTheSourcesIsInThePageAndTheOtherWayRound() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/xmppctl/Output").standardizedFileURL
    var written = Set(Timings.Part.allCases.map(\.rawValue))
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path) {
      let source = try String(contentsOf: folder.appendingPathComponent(name), encoding: .utf8)
      for match in source.matches(of: #/[ .{](?:member|key|text|attribute)\((?:literal: )?"([a-z0-9_]+)"/#) {
        written.insert(String(match.output.1))
      }
      for match in source.matches(of: #/[ .]texts\("([a-z]+)", "([a-z]+)"/#) {
        written.formUnion([String(match.output.1), String(match.output.2)])
      }
    }
    let page = try Format().names
    #expect(written.count > 50)
    #expect(written.subtracting(page).subtracting(["attrs"]) == [], "not in the page")
    #expect(page.subtracting(written) == [], "not in the sources")
  }

  @Test func theStagesOfAFailureAreAllInThePage() throws {
    let text = try ManualPage("xmppctl-json.5").keys["Failure"]?.first { $0.name == "stage" }?.text ?? ""
    let named = text.matches(of: #/\.Cm ([a-z]+)/#).map { String($0.output.1) }
    #expect(named == Failure.Stage.allCases.map(\.rawValue))
  }

  @Test("xmppctl-config(5) has the keys that the configuration has, and no other")
  func configuration() throws {
    let page = try ManualPage("xmppctl-config.5")
    let keys = AccountSettings.Key.allCases.map(\.rawValue)
    #expect(page.keys["Keys of an account"]?.map(\.name) == keys.sorted())
    #expect(page.keys["DESCRIPTION"]?.map(\.name) == ["default", "accounts"])
    let help = try Program.xmppctl.run(["bind", "--help-all"]).output
    for key in keys where !["password", "sasl2"].contains(key) {
      #expect(
        help.contains("--\(key.replacingOccurrences(of: "_", with: "-")) ") || help.contains("--\(key)\n"))
    }
  }

  @Test("the example of xmppctl-config(5) is one, and its commands read it")
  func configurationExample() throws {
    let page = try ManualPage("xmppctl-config.5")
    let start = try #require(page.source.range(of: "\n{\n"))
    let end = try #require(page.source.range(of: "\n}\n", range: start.upperBound..<page.source.endIndex))
    let folder = try TemporaryFolder()
    try folder.write(
      ".config/xmppctl/config.json5", String(page.source[start.lowerBound..<end.upperBound]), mode: 0o600)
    let closed = try FreePort.take(1)[0]
    #expect(page.commands == ["xmppctl bind", "xmppctl bind -a monitor"])
    for command in page.commands {
      let outcome = try shell(command, options: "--connect-to 127.0.0.1:\(closed)", folder)
      #expect(outcome.status == ExitStatus.noConnection.rawValue, "\(outcome.error)")
    }
  }

  /// Runs a command line as a user would, `xmppctl` being ours with more options at its end.
  private func shell(_ command: String, options: String, _ folder: TemporaryFolder) throws -> Outcome {
    let function = "xmppctl() { \"$PROGRAM\" \"$@\" \(options); }\n"
    return try Program("/bin/bash").run(
      ["-o", "pipefail", "-c", function + command], environment: ["PROGRAM": Program.xmppctl.path],
      folder: folder)
  }
}
