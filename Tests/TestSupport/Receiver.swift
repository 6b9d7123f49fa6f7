import Foundation

/// Somebody who is online and takes messages: a client in a few lines over a stream without TLS, so that what arrived is
/// not judged by the program under test.
public final class Receiver: @unchecked Sendable {
  /// A message that arrived.
  public struct Message: Sendable, Equatable {
    /// Who sent it.
    public let from: String
    /// Its id.
    public let id: String
    /// Its type; empty where there is none.
    public let type: String
    /// Its body; `nil` where there is none.
    public let body: String?
    /// All of it, as it was on the wire.
    public let xml: String
  }

  /// The full JID.
  public let jid: String

  private let descriptor: Int32
  private let condition = NSCondition()
  private var isClosed = false
  private var messages: [Message] = []
  /// What is no message, and no part of one.
  private var others = ""
  private let answersReceipts: Bool

  /// Logs in by PLAIN, binds a resource and announces itself.
  ///
  /// - Parameters:
  ///   - port: one that allows a login without TLS.
  ///   - answersReceipts: whether it answers XEP-0184 requests.
  public init(
    _ account: Account, port: UInt16, resource: String = "desk", answersReceipts: Bool = false
  ) throws {
    jid = "\(account.jid)/\(resource)"
    self.answersReceipts = answersReceipts
    descriptor = try PlainStream.connected(to: port)
    Thread { [self] in read() }.start()
    let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
    try ask(PlainStream.header(account.domain), "</stream:features>")
    try ask("<auth xmlns='\(sasl)' mechanism='PLAIN'>\(account.plain)</auth>", "<success")
    try ask(PlainStream.header(account.domain), "</stream:features>")
    try ask(
      "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>\(resource)</resource>"
        + "</bind></iq>", "</iq>")
    try ask("<presence><priority>5</priority></presence>", "<presence")
  }

  /// How many messages have come.
  public var count: Int { condition.withLock { messages.count } }

  /// Waits for so many messages, and gives all that have come by then.
  public func messages(_ count: Int = 1, within seconds: Double = 30) throws -> [Message] {
    try wait("\(count) messages", seconds) { $0.messages.count >= count }
    return condition.withLock { messages }
  }

  /// Waits until nothing has come for a while, and gives all that have come.
  public func messagesSoFar(quietFor seconds: Double) -> [Message] {
    var last = -1
    while count != last {
      last = count
      usleep(UInt32(seconds * 1e6))
    }
    return condition.withLock { messages }
  }

  /// Sends something, waits until what comes besides messages contains a text, and gives that.
  @discardableResult
  public func ask(_ text: String, _ mark: String, within seconds: Double = 10) throws -> String {
    condition.withLock { others = "" }
    try send(text)
    try wait(mark, seconds) { $0.others.contains(mark) }
    return condition.withLock { others }
  }

  /// Sends something.
  public func send(_ text: String) throws {
    try sendAll(text, to: descriptor)
  }

  /// Goes offline.
  public func close() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  deinit { close() }

  private func wait(_ what: String, _ seconds: Double, until done: (Receiver) -> Bool) throws {
    let end = Date() + seconds
    try condition.withLock {
      while !done(self) {
        guard !isClosed, condition.wait(until: end) else {
          throw SupportFailure(
            "\(jid) got no \(what), but \(messages.count) messages and \(others.suffix(500))")
        }
      }
    }
  }

  private func read() {
    var pending = Data()
    while let bytes = try? Descriptor.read(descriptor, until: .now + .seconds(600)), !bytes.isEmpty {
      pending.append(contentsOf: bytes)
      take(&pending)
    }
    condition.withLock {
      isClosed = true
      condition.broadcast()
    }
    Glibc.close(descriptor)
  }

  /// Takes the whole messages out. No server sends one inside another to who has not asked for that.
  private func take(_ pending: inout Data) {
    let (open, close) = (Data("<message ".utf8), Data("</message>".utf8))
    var taken: [Message] = []
    var text = ""
    var position = pending.startIndex
    while position < pending.endIndex {
      let start = pending[position...].range(of: open)?.lowerBound ?? pending.endIndex
      text += String(decoding: pending[position..<start], as: UTF8.self)
      position = start
      guard let end = pending[position...].range(of: close)?.upperBound else { break }
      taken.append(Receiver.message(String(decoding: pending[position..<end], as: UTF8.self)))
      position = end
    }
    // The beginning of a message may still be cut anywhere.
    pending = Data(pending[position...])
    if pending.isEmpty, let cut = text.lastIndex(of: "<"), "<message ".hasPrefix(text[cut...]) {
      pending = Data(text[cut...].utf8)
      text = String(text[..<cut])
    }
    for message in taken where answersReceipts && message.xml.contains("<request ") {
      let receipt = "<received xmlns='urn:xmpp:receipts' id='\(message.id)'/>"
      try? send("<message type='chat' id='r' to='\(message.from)'>\(receipt)</message>")
    }
    condition.withLock {
      messages += taken
      others += text
      condition.broadcast()
    }
  }

  private static func message(_ xml: String) -> Message {
    let tag = String(xml.prefix { $0 != ">" })
    func attribute(_ name: String) -> String {
      for quote in ["'", "\""] {
        guard let start = tag.range(of: " \(name)=\(quote)")?.upperBound,
          let end = tag[start...].range(of: quote)?.lowerBound
        else { continue }
        return text(tag[start..<end])
      }
      return ""
    }
    let body = xml.range(of: "<body>").flatMap { open in
      xml.range(of: "</body>").map { text(xml[open.upperBound..<$0.lowerBound]) }
    }
    return Message(
      from: attribute("from"), id: attribute("id"), type: attribute("type"), body: body, xml: xml)
  }

  /// Text without its entities.
  private static func text(_ escaped: Substring) -> String {
    guard escaped.utf8.contains(UInt8(ascii: "&")) else { return String(escaped) }
    let known = ["lt": "<", "gt": ">", "amp": "&", "quot": "\"", "apos": "'"]
    var result = ""
    for (index, part) in escaped.split(separator: "&", omittingEmptySubsequences: false).enumerated() {
      guard index > 0, let end = part.firstIndex(of: ";") else {
        result += part
        continue
      }
      let name = part[..<end]
      let number = name.hasPrefix("#x") ? UInt32(name.dropFirst(2), radix: 16) : UInt32(name.dropFirst())
      result +=
        known[String(name)] ?? number.flatMap(Unicode.Scalar.init).map { String(Character($0)) } ?? "?"
      result += part[part.index(after: end)...]
    }
    return result
  }
}
