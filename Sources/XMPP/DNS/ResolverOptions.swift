import Glibc

/// How long to wait for a name server, and how often to ask it: `timeout` and `attempts` of resolv.conf(5).
///
/// c-ares reads all else there; these two it knows only from release 1.20 on.
struct ResolverOptions: Sendable, Equatable {
  /// Seconds until a question is asked again for the first time. c-ares doubles it once it has asked every server.
  var timeout = 1
  /// How often each server is asked.
  var attempts = 3

  /// What a `resolv.conf` says, and then the words of `RES_OPTIONS`, which have the last word.
  init(resolvConf: [UInt8], environment: String? = nil) {
    for line in resolvConf.split(separator: UInt8(ascii: "\n")) {
      let words = line.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      if words.first?.elementsEqual("options".utf8) == true { words.dropFirst().forEach { read($0) } }
    }
    let words = Array((environment ?? "").utf8).split { $0 == 0x20 || $0 == 0x09 }
    words.forEach { read($0) }
  }

  /// Reads a file, up to 64 KiB of it; one that cannot be read says nothing.
  init(path: String) {
    var text: [UInt8] = []
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    defer { if descriptor >= 0 { close(descriptor) } }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while descriptor >= 0, text.count < buffer.count {
      let count = Glibc.read(descriptor, &buffer, buffer.count - text.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      text += buffer.prefix(count)
    }
    self.init(resolvConf: text, environment: getenv("RES_OPTIONS").map { String(cString: $0) })
  }

  /// Reads one word; the limits are those of resolv.conf(5).
  private mutating func read(_ word: ArraySlice<UInt8>) {
    if let value = ResolverOptions.value(of: "timeout:", in: word) { timeout = min(max(value, 1), 30) }
    if let value = ResolverOptions.value(of: "attempts:", in: word) { attempts = min(max(value, 1), 5) }
  }

  private static func value(of name: String, in word: ArraySlice<UInt8>) -> Int? {
    guard word.starts(with: name.utf8) else { return nil }
    return Int(String(decoding: word.dropFirst(name.utf8.count), as: UTF8.self))
  }
}
