import Foundation

/// A client on a plain stream that sends whatever bytes it is given, as no well-behaved client would.
public final class RawClient {
  private let descriptor: Int32
  private let domain: String
  private var received = ""
  private var pings = 0

  /// Connects to a port of the loopback, logs in by PLAIN and binds the resource `raw`.
  public init(_ port: UInt16, as account: Account) throws {
    descriptor = try PlainStream.connected(to: port)
    domain = account.domain
    try write(PlainStream.header(domain))
    try read(until: "</stream:features>")
    try write(
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>\(account.plain)</auth>")
    try read(until: "<success")
    received = ""
    try write(PlainStream.header(domain))
    try read(until: "</stream:features>")
    try write(
      "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>raw</resource></bind></iq>"
    )
    try read(until: "</iq>")
    received = ""
  }

  deinit { Glibc.close(descriptor) }

  /// Sends bytes as they are, and waits until the server has handled them.
  ///
  /// - Returns: what the server sent meanwhile; `nil` if it ended the stream.
  public func send(_ text: String) -> String? {
    pings += 1
    let id = "ping-\(pings)"
    let ping = "<iq type='get' id='\(id)' to='\(domain)'><ping xmlns='urn:xmpp:ping'/></iq>"
    // A server with a recent expat parses a tag that came in pieces once as much again has come.
    let padding = String(repeating: " ", count: min(text.utf8.count, 1 << 18))
    guard (try? write(text + padding + ping + String(repeating: " ", count: 512))) != nil else { return nil }
    while true {
      if let range = received.range(of: id), received[range.upperBound...].contains(">") {
        defer { received = "" }
        return received
      }
      if received.contains("</stream:stream>") || (try? readMore()) == nil { return nil }
    }
  }

  /// Closes the stream.
  public func close() { _ = try? write("</stream:stream>") }

  private func write(_ text: String) throws {
    try sendAll(text, to: descriptor)
  }

  private func read(until mark: String) throws {
    while !received.contains(mark) { try readMore() }
  }

  private func readMore() throws {
    guard let bytes = try Descriptor.read(descriptor, until: .now + .seconds(60)), !bytes.isEmpty else {
      throw SupportFailure("the server of \(domain) sends no more: \(received.suffix(500))")
    }
    received += String(decoding: bytes, as: UTF8.self)
  }
}

/// Sends all of a text over a socket that blocks.
func sendAll(_ text: String, to descriptor: Int32) throws {
  var rest = Array(text.utf8)[...]
  while !rest.isEmpty {
    let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
    guard count > 0 else { throw SupportFailure(systemCall: "send") }
    rest = rest.dropFirst(count)
  }
}
