/// A CONNECT to an HTTP proxy (RFC 9110 §9.3.6), with Basic authentication (RFC 7617).
///
/// The header of the answer ends at an empty line, and what follows is the server's. So no more bytes are wanted at once than
/// the shortest end of the header can have: two line feeds.
struct HTTPConnectDialogue: ProxyDialogue {
  /// The longest answer that is read; real ones have some hundred bytes.
  static let longestAnswer = 16 << 10

  private let hasCredentials: Bool
  private let host: String
  private var output: [UInt8]
  private var answer: [UInt8] = []
  /// The bytes of interim answers, which count too.
  private var passed = 0
  private var isDone = false

  init(credentials: Proxy.Credentials?, host: String, port: UInt16) {
    self.host = host
    hasCredentials = credentials != nil
    let place = IPAddress(host)?.family == .v6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    output = Array("CONNECT \(place) HTTP/1.1\r\nHost: \(place)\r\n".utf8)
    if let credentials {
      let login = credentials.user + [UInt8(ascii: ":")] + credentials.password
      output += Array("Proxy-Authorization: Basic ".utf8) + Base64.encode(login) + Array("\r\n".utf8)
    }
    output += Array("\r\n".utf8)
  }

  mutating func takeOutput() -> [UInt8] {
    defer { output = [] }
    return output
  }

  var wanted: Int {
    if isDone { return 0 }
    let end = answer.last == UInt8(ascii: "\r") ? answer.dropLast() : answer[...]
    return end.last == UInt8(ascii: "\n") ? 1 : 2
  }

  mutating func take(_ bytes: [UInt8]) throws(Failure) {
    guard bytes.count == wanted else { throw malformed }
    answer += bytes
    guard answer.count + passed <= HTTPConnectDialogue.longestAnswer else { throw malformed }
    // At once, since another protocol may never send an empty line.
    guard zip(answer, "HTTP/1.".utf8).allSatisfy({ $0 == $1 }) else { throw malformed }
    guard answer.suffix(2).elementsEqual("\n\n".utf8) || answer.suffix(3).elementsEqual("\n\r\n".utf8) else {
      return
    }
    let code = try statusCode()
    // Interim answers (RFC 9110 §15.2) come before the one that counts.
    guard code >= 200 else {
      passed += answer.count
      answer = []
      return
    }
    guard code < 300 else { throw refusal(code) }
    isDone = true
  }

  /// The code of the status line `HTTP/1.1 200 reason` (RFC 9112 §4).
  private func statusCode() throws(Failure) -> Int {
    let words = answer.prefix { $0 != UInt8(ascii: "\r") && $0 != UInt8(ascii: "\n") }.split(
      separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
    guard words.count >= 2, words[0].count == 8, words[1].count == 3,
      words[1].allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
      let code = Int(String(decoding: words[1], as: UTF8.self)), code >= 100
    else { throw malformed }
    return code
  }

  private var malformed: Failure { Failure.proxy("malformed-reply", "the proxy's answer is not HTTP") }

  /// Why it did not connect. The reason phrase is not repeated: it may be anything, the password included.
  private func refusal(_ code: Int) -> Failure {
    if code == 407 {
      return hasCredentials
        ? Failure.proxy(
          "auth-failed", "the proxy does not accept this user and password by Basic authentication")
        : Failure.proxy(
          "auth-required", "the proxy requires a login", hint: "give it as http://USER:PASS@HOST")
    }
    let meaning =
      switch code {
      case 400: " (bad request)"
      case 403: " (forbidden)"
      case 404: " (not found)"
      case 405, 501: " (it does not support CONNECT)"
      case 500: " (internal error)"
      case 502: " (bad gateway)"
      case 503: " (service unavailable)"
      case 504: " (gateway timeout)"
      default: ""
      }
    return Failure.proxy(
      "http-\(code)", "the proxy cannot connect to \(host): it answered \(code)\(meaning)")
  }
}
