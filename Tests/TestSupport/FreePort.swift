import Glibc
import Synchronization

/// TCP ports of 127.0.0.1 for servers that cannot take port 0 and say which one they got.
public enum FreePort {
  private static let given = Mutex<Set<UInt16>>([])

  /// Different ports that were free just now. None is given twice, so no two servers of a process can want the same.
  ///
  /// They lie below the range from which the system takes the ports of outgoing connections, so that none of those can
  /// come to lie on one of them before the server has started.
  public static func take(_ count: Int) throws -> [UInt16] {
    var held: [(port: UInt16, descriptor: Int32)] = []
    defer { for (_, descriptor) in held { close(descriptor) } }
    for _ in 0..<1000 where held.count < count {
      let port = UInt16.random(in: 20_000..<32_000)
      guard given.withLock({ $0.insert(port).inserted }) else { continue }
      if let descriptor = bound(to: port) { held.append((port, descriptor)) }
    }
    guard held.count == count else { throw SupportFailure("no \(count) free ports on 127.0.0.1") }
    return held.map(\.port)
  }

  private static func bound(to port: UInt16) -> Int32? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return nil }
    var address = PlainStream.address(port)
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    if result == 0 { return descriptor }
    close(descriptor)
    return nil
  }
}
