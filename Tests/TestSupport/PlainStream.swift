import Glibc

/// A plain conversation with a server on 127.0.0.1, to see whether it is there and what it says before TLS.
public enum PlainStream {
  /// A client's stream header to a domain.
  public static func header(_ domain: String) -> String {
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' version='1.0' to='\(domain)'"
      + " xmlns:stream='http://etherx.jabber.org/streams'>"
  }

  /// Connects to a port, and for each step sends the text and reads on until the answer to it contains the mark.
  ///
  /// - Returns: everything the server sent.
  /// - Throws: when a mark has not come before the time is over or the server has closed.
  @discardableResult
  public static func converse(
    _ port: UInt16, _ steps: [(send: String, mark: String)], within limit: Duration = .seconds(10)
  ) throws -> String {
    let end = ContinuousClock.now + limit
    let descriptor = try connected(to: port)
    defer { close(descriptor) }
    var received = ""
    for (text, mark) in steps {
      guard
        Array(text.utf8).withUnsafeBytes({ send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) })
          == text.utf8.count
      else { throw SupportFailure(systemCall: "send") }
      var answer = ""
      while !answer.contains(mark) {
        guard let bytes = try Descriptor.read(descriptor, until: end), !bytes.isEmpty else {
          throw SupportFailure("port \(port): no \(mark) in \(received + answer)")
        }
        answer += String(decoding: bytes, as: UTF8.self)
      }
      received += answer
    }
    return received
  }

  /// Whether something accepts connections on a port.
  public static func accepts(_ port: UInt16) -> Bool {
    guard let descriptor = try? connected(to: port) else { return false }
    close(descriptor)
    return true
  }

  static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return address
  }

  static func connected(to port: UInt16) throws -> Int32 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw SupportFailure(systemCall: "socket") }
    var address = address(port)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return descriptor }
    let code = errno
    close(descriptor)
    throw SupportFailure(systemCall: "connect to port \(port)", code)
  }
}
