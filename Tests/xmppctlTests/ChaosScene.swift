import Foundation
import TestSupport

/// A real server, with a line to it on which what a seed says happens, and accounts of a run's own.
struct ChaosScene {
  /// How the program comes to the server.
  enum Way: String, CaseIterable { case startTLS, directTLS, special }

  let server: String
  let chaos: Chaos
  let proxy: ChaosProxy
  /// Who runs the program.
  let account: Account
  /// The options that lead through the line, and those that lead past it.
  let throughLine: [String]
  let direct: [String]
  /// What a login needs besides.
  let loginOptions: [String]
  /// Seconds for the whole run.
  let limit: Int
  private let receiverPort: UInt16
  private let receiverDomain: String

  /// - Parameter tag: what no other run has in its names.
  init(_ server: String, _ way: Way, _ chaos: Chaos, tag: String) throws {
    self.server = server
    self.chaos = chaos
    // On a line that falls silent all of the time is used up.
    limit = chaos.isHarmless ? 60 : chaos.isSilencing ? 6 : 15
    let port: UInt16
    let password = "pass-\(tag)-word"
    let (caFile, domain): (String, String)
    if server == "Prosody" {
      let prosody = try Prosody.shared
      (caFile, domain) = (prosody.caFile, way == .special ? prosody.sasl2Domain : prosody.domain)
      port = way == .directTLS ? prosody.directTLSPort : prosody.port
      account = try prosody.account("chaos\(tag)", password: password, on: domain)
      (receiverPort, receiverDomain) = (prosody.port, prosody.plainDomain)
    } else {
      let ejabberd = try Ejabberd.shared
      (caFile, domain) = (ejabberd.caFile, ejabberd.domain)
      port = ejabberd.port(way == .directTLS ? .directTLS : way == .special ? .compression : .startTLS)
      account = try ejabberd.account("chaos\(tag)", password: password)
      (receiverPort, receiverDomain) = (ejabberd.port(.plain), ejabberd.domain)
    }
    proxy = try ChaosProxy(to: port, chaos)
    let options = ["--cacert", caFile] + (way == .directTLS ? ["--tls", "direct"] : [])
    loginOptions = server == "ejabberd" && way == .special ? ["--compress"] : []
    throughLine = options + ["--connect-to", "127.0.0.1:\(proxy.port)"]
    direct = options + ["--connect-to", "127.0.0.1:\(port)"]
  }

  var environment: [String: String] { ["XMPPCTL_PASSWORD": account.password] }

  /// Somebody else who is online, without the program under test.
  func other(_ name: String, answersReceipts: Bool = false) throws -> Receiver {
    let other =
      try server == "Prosody"
      ? Prosody.shared.account(name, on: receiverDomain) : Ejabberd.shared.account(name)
    return try Receiver(other, port: receiverPort, answersReceipts: answersReceipts)
  }

  /// Lets what still is on its way arrive, then ends every line.
  func settle() {
    let end = ContinuousClock.now + .seconds(chaos.isSilencing ? 0 : 5)
    while !proxy.isQuiet, ContinuousClock.now < end { usleep(5000) }
    proxy.cut()
  }

  /// What is wrong with what a run printed, whatever it was for.
  func faults(of outcome: Outcome) -> [String] {
    var faults: [String] = []
    // What a line can do to a run: lost, silent, not XMPP any more, a broken handshake.
    let possible: Set<Int32> = chaos.isHarmless ? [0] : [0, 69, 75, 76, 79]
    if !possible.contains(outcome.status ?? -1) { faults.append("it ended by \(outcome.ending)") }
    if outcome.duration > .seconds(limit + 25) { faults.append("it took \(outcome.duration)") }
    let lines = outcome.output.split(separator: "\n", omittingEmptySubsequences: false)
    if lines.last != "" { faults.append("the last line is not whole: \(lines.last ?? "")") }
    if (try? outcome.results) == nil { faults.append("the output is not JSON") }
    for line in lines + outcome.error.split(separator: "\n") where !isHarmless(line) {
      faults.append("raw: \(line.debugDescription)")
    }
    for form in forms(of: account.password) + [account.plain]
    where (outcome.output + outcome.error).lowercased().contains(form.lowercased()) {
      faults.append("the password was shown: \(form)")
    }
    return faults
  }
}
