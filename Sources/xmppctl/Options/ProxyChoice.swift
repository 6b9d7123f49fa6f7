import XMPP

/// Which proxy a run uses: `--proxy`, else a variable unless `NO_PROXY` has the host, else the account's.
enum ProxyChoice {
  /// The variables that name one, in their order: lower case first, as with curl.
  private static let variables = ["all_proxy", "ALL_PROXY"]
  /// Those that name the hosts that are connected to without the proxy of a variable.
  private static let exceptions = ["no_proxy", "NO_PROXY"]

  /// - Parameters:
  ///   - option: the value of `--proxy`; empty for none.
  ///   - account: the account's proxy.
  ///   - names: the names of what is connected to.
  /// - Throws: `bad-proxy`, which names the variable that it is from.
  static func proxy(option: String?, account: Proxy?, for names: [String]) throws(Failure) -> Proxy? {
    if let option {
      guard !option.isEmpty else { return nil }
      var proxy = try Proxy(parsing: option)
      proxy.hint = "check the host and the port of --proxy"
      return proxy
    }
    let excepted = first(of: exceptions).map { NoProxy($0.value) }
    if let (name, value) = first(of: variables), !names.contains(where: { excepted?.covers($0) ?? false }) {
      let without = "--proxy '' connects without the proxy of \(name)"
      do throws(Failure) {
        var proxy = try Proxy(parsing: value, from: name)
        proxy.hint = without
        return proxy
      } catch {
        var failure = error
        failure.hint = without
        throw failure
      }
    }
    var proxy = account
    proxy?.hint = "check the host and the port of the account's proxy"
    return proxy
  }

  private static func first(of names: [String]) -> (name: String, value: String)? {
    for name in names {
      if let value = Environment.value(name) { return (name, value) }
    }
    return nil
  }
}

/// The hosts of `NO_PROXY`, by curl's rules: names that cover what is below them too, addresses, networks as
/// `10.0.0.0/8`, or `*` for all; separated by commas or white space.
struct NoProxy {
  private let entries: [[UInt8]]

  init(_ list: String) {
    entries = list.utf8.split { $0 == UInt8(ascii: ",") || $0 == 0x20 || $0 == 0x09 }.map {
      NoProxy.normalized(Array($0))
    }
  }

  /// Whether a host, a name or an address, is among them.
  func covers(_ host: String) -> Bool {
    let name = NoProxy.normalized(Array(host.utf8))
    let address = IPAddress(String(decoding: name, as: UTF8.self))
    return entries.contains { entry in
      if entry == [UInt8(ascii: "*")] { return true }
      if let address { return NoProxy.network(entry, has: address) }
      return !entry.isEmpty && (name == entry || name.suffix(entry.count + 1) == [UInt8(ascii: ".")] + entry)
    }
  }

  private static func network(_ entry: [UInt8], has address: IPAddress) -> Bool {
    let parts = entry.split(separator: UInt8(ascii: "/"), maxSplits: 1, omittingEmptySubsequences: false).map
    {
      String(decoding: $0, as: UTF8.self)
    }
    guard let first = parts.first, let network = IPAddress(first) else { return false }
    guard parts.count > 1 else { return network == address }
    guard let prefix = Int(parts[1]) else { return false }
    return address.isWithin(network, prefix: prefix)
  }

  /// In lower case, without the brackets of an IPv6 address and the dots around a name.
  private static func normalized(_ text: [UInt8]) -> [UInt8] {
    var text = text.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }[...]
    if text.first == UInt8(ascii: "["), text.last == UInt8(ascii: "]") { text = text.dropFirst().dropLast() }
    if text.first == UInt8(ascii: "."), text.count > 1 { text = text.dropFirst() }
    if text.last == UInt8(ascii: "."), text.count > 1 { text = text.dropLast() }
    return Array(text)
  }
}
