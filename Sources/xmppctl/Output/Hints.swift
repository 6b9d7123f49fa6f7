import XMPP

/// What a user can type or change about a failure: the library's remedies in terms of this tool's options, for a run with
/// these settings. A hint that would repeat what was typed, or that cannot help, is not given.
struct Hints {
  /// Whether `--cacert`, or the account, names the trusted certificates.
  private var namesAuthorities = false
  /// Whether a client certificate is given.
  private var hasClientCertificate = false

  /// For a failure that precedes the settings, or does not depend on them.
  init() {}

  /// For a run.
  init(_ settings: ConnectionSettings) {
    if case .authorities(let named) = settings.tls.trust { namesAuthorities = named.areOfOneFile }
    hasClientCertificate = settings.tls.clientCertificate != nil
  }

  /// Where a user writes the value that a hint gives.
  enum Place {
    /// On the command line of a shell.
    case shell
    /// In a string of JSON.
    case json
  }

  /// The failure with its remedy as a hint.
  ///
  /// - Parameter place: where the value at fault was written.
  func applied(to failure: Failure, in place: Place = .shell) -> Failure {
    var told = failure
    told.hint = failure.hint ?? failure.remedy.flatMap { hint(for: $0, in: place) }
    told.remedy = nil
    return told
  }

  /// The report with all its remedies as hints.
  func applied(to report: Report) -> Report {
    var told = report
    told.failure = report.failure.map { applied(to: $0) }
    for index in report.attempts.indices {
      told.attempts[index].failure = report.attempts[index].failure.map { applied(to: $0) }
    }
    return told
  }

  /// Both may come from the network, before anything is verified.
  private func domainHint(_ domain: String, _ place: String?) -> String? {
    guard domain.utf8.first != UInt8(ascii: "-") else { return nil }
    let typed = shellQuoted(domain) + (place.map { " --connect-to \(shellQuoted($0))" } ?? "")
    return "if the addresses end in @\(domain), use that domain: \(typed)"
  }

  /// The words for a remedy; `nil` if the run did that already.
  func hint(for remedy: Remedy, in place: Place = .shell) -> String? {
    switch remedy {
    case .longerRun: "allow more with --max-time"
    case .longerAttempt(let mayBeFiltered):
      "allow more with --connect-timeout" + (mayBeFiltered ? ", or try --tls direct" : "")
    case .laterAttempt: "try again later"
    case .domain(let domain, let place): domainHint(domain, place)
    case .place(let place): "connect there with --connect-to \(place)"
    case .spelling(let name): "check the spelling of \(name)"
    case .otherHost(let mayBeMistyped):
      (mayBeMistyped ? "check the spelling, or " : "")
        + "use --connect-to HOST[:PORT] if the server has another name"
    case .withoutDNS(let named, let canAskOthers):
      (named
        ? "use an IP address instead of the name"
        : "use --connect-to HOST[:PORT] to connect without DNS records")
        + (canAskOthers ? ", or --dns-server ADDR to ask another name server" : "")
    case .trustIssuer:
      namesAuthorities
        ? "add the certificate of that issuer to the file of --cacert" : "trust its issuer with --cacert FILE"
    case .trustCertificate(let key):
      "trust the certificate with --cacert FILE, or only its key with -k --pin \(key)"
    case .acceptKey(let key): "if this is the server's key, accept no other with -k --pin \(key)"
    case .verifyCertificate: "use --cacert FILE instead of -k"
    case .clientCertificate: hasClientCertificate ? nil : "use a client certificate with --cert FILE"
    case .olderTLS: "allow TLS 1.2 with --tls-min 1.2"
    case .method(let method, let place):
      (method == .directTLS
        ? "it may expect TLS from the first byte: --tls direct" : "it may expect STARTTLS: --tls starttls")
        + (place.map { " --connect-to \($0)" } ?? "")
    case .withoutSTARTTLS: "use --tls direct, or --tls none to connect without encryption"
    case .mechanism(let name): "use --mechanism \(name)"
    case .passwordMechanism(let name):
      "log in with the password instead of the certificate: --mechanism \(name)"
    case .unboundMechanism(let name):
      "if the password is right, log in without channel binding: --mechanism \(name)"
    case .credentials: "check the address and the password"
    case .withoutSASL2: "use --no-sasl2"
    case .withoutCompression: "leave out --compress, or \"compress\" in the account"
    case .resource: "choose another resource with --resource, or none"
    case .fewerSessions: "close another session of the account first"
    case .smallerStanza(let bytes): "the server may not accept a stanza of \(bytes) bytes: send a smaller one"
    case .address(let address):
      "escape it (XEP-0106): " + (place == .shell ? shellQuoted(address) : jsonQuoted(address))
    }
  }
}

/// A text as one word for a shell.
func shellQuoted(_ text: String) -> String {
  let isPlain = text.utf8.allSatisfy {
    switch $0 {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "@"),
      UInt8(ascii: "_"), UInt8(ascii: "/"), UInt8(ascii: "+"), UInt8(ascii: ":"), UInt8(ascii: ","):
      true
    default: false
    }
  }
  return isPlain && !text.isEmpty ? text : "'" + text.replacing("'", with: "'\\''") + "'"
}

/// A text as a string of JSON: an address, so that only backslashes and quotes need an escape.
private func jsonQuoted(_ text: String) -> String {
  "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
}

/// The name that is closest to a mistyped one: at most two letters are wrong, missing, added or exchanged, and not half of it.
func closest(to name: String, among names: [String]) -> String? {
  guard name.utf8.count <= 64 else { return nil }
  let distances = names.map { (name: $0, distance: distance(Array(name.utf8), Array($0.utf8))) }
  let best = distances.min { $0.distance < $1.distance }
  return best.flatMap { $0.distance <= min(2, name.utf8.count / 2) ? $0.name : nil }
}

/// The Levenshtein distance, with the exchange of two neighbours as one step.
private func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var before: [Int] = []
  var last = Array(0...right.count)
  for (row, byte) in left.enumerated() {
    var next = [row + 1]
    for (column, other) in right.enumerated() {
      var cost = min(last[column] + (byte == other ? 0 : 1), last[column + 1] + 1, next[column] + 1)
      if row > 0, column > 0, byte == right[column - 1], left[row - 1] == other {
        cost = min(cost, before[column - 1] + 1)
      }
      next.append(cost)
    }
    (before, last) = (last, next)
  }
  return last[right.count]
}

/// A path as a shell and a command take it.
func shellPath(_ path: String) -> String {
  shellQuoted(path.utf8.first == UInt8(ascii: "-") ? "./" + path : path)
}
