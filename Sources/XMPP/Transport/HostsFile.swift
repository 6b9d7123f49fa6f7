import Glibc

/// `/etc/hosts`: addresses that the machine knows by itself.
struct HostsFile: Sendable {
  private let text: [UInt8]

  /// A file's text.
  init(_ text: [UInt8]) { self.text = text }

  /// Reads a file, up to 1 MiB of it; one that is not there is empty.
  init(path: String) {
    var text: [UInt8] = []
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    defer { if descriptor >= 0 { close(descriptor) } }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while descriptor >= 0, text.count < 1 << 20 {
      let count = read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      text += buffer.prefix(count)
    }
    self.text = text
  }

  /// The addresses of a name, in the order of the file.
  func addresses(of name: DNSName) -> [IPAddress] {
    var result: [IPAddress] = []
    for line in text.split(separator: UInt8(ascii: "\n")) {
      let words = line.prefix { $0 != UInt8(ascii: "#") }.split { $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }
      guard let first = words.first,
        words.dropFirst().contains(where: { DNSName(String(decoding: $0, as: UTF8.self)) == name }),
        let address = IPAddress(String(decoding: first, as: UTF8.self)), !result.contains(address)
      else { continue }
      result.append(address)
    }
    return result
  }
}
