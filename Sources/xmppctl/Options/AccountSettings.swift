import XMPP

/// What the configuration says about one account; what is not there is left to the defaults.
struct AccountSettings {
  var jid: JID?
  var resource: String?
  var mechanisms: [String]?
  var compress: Bool?
  var usesSASL2: Bool?
  var password: PasswordSource?

  var connectTo: HostAndPort?
  var tlsMode: TLSMode?
  var cacert: String?
  var cert: String?
  var key: String?
  var keyPasswordFile: String?
  var pins: [PublicKeyPin]?
  var insecure: Bool?
  var minimumVersion: TLSOptions.Version?
  var families: AddressFamilies?
  var nameServer: NameServer?
  var proxy: Proxy?
  var connectTimeout: Double?
  var maxTime: Double?

  /// Whether a password stands here in the clear, or the command that prints it.
  private(set) var holdsPassword = false

  /// Nothing said.
  init() {}

  /// Reads an account's object.
  ///
  /// - Throws: status 78, naming the key.
  init(_ account: ConfigurationField, folder: ConfigurationFolder) throws(Failure) {
    var seen: Set<Key> = []
    for (name, field) in try account.members() {
      guard let key = Key(rawValue: name) else {
        throw account.unknown(name, among: Key.allCases.map(\.rawValue))
      }
      seen.insert(key)
      try set(key, field, folder)
    }
    for excluding in Key.exclusions {
      let present = excluding.filter(seen.contains).map(\.rawValue)
      guard present.count < 2 else {
        throw .configuration(
          "contradiction", "\(account.place): \(present.joined(separator: " and ")) exclude each other")
      }
    }
  }

  /// The keys: the long options, spelled with `_`, and the password itself.
  enum Key: String, CaseIterable {
    case jid, resource, mechanism, compress, sasl2
    case noSASL2 = "no_sasl2"
    case password
    case passwordFile = "password_file"
    case passwordCommand = "password_command"
    case connectTo = "connect_to"
    case tls, cacert, cert, key
    case keyPasswordFile = "key_password_file"
    case pin, insecure
    case tlsMin = "tls_min"
    case ipv4, ipv6
    case dnsServer = "dns_server"
    case proxy
    case connectTimeout = "connect_timeout"
    case maxTime = "max_time"

    /// Keys of which an account may have one.
    static let exclusions: [[Key]] = [
      [.password, .passwordFile, .passwordCommand], [.sasl2, .noSASL2], [.ipv4, .ipv6],
    ]
  }

  private mutating func set(
    _ key: Key, _ field: ConfigurationField, _ folder: ConfigurationFolder
  ) throws(Failure) {
    switch key {
    case .jid: jid = try field.read(field.string()) { text throws(Failure) in try JID(parsing: text) }
    case .resource: resource = try field.string()
    case .mechanism: mechanisms = try field.strings()
    case .compress: compress = try field.truth()
    case .sasl2: usesSASL2 = try field.truth()
    case .noSASL2: usesSASL2 = try !field.truth()
    case .password:
      var bytes = Array(try field.string().utf8)
      password = .given(Secret(wiping: &bytes))
      holdsPassword = true
    case .passwordFile:
      let path = try field.string()
      password = path == "-" ? .standardInput : .file(folder.resolve(path))
    case .passwordCommand:
      password = .command(try field.string())
      holdsPassword = true
    case .connectTo:
      connectTo = try field.read(field.string()) { text throws(Failure) in
        try HostAndPort(parsing: text, for: key.rawValue)
      }
    case .tls: tlsMode = try field.choice(TLSMode.self)
    case .cacert: cacert = folder.resolve(try field.string())
    case .cert: cert = folder.resolve(try field.string())
    case .key: self.key = folder.resolve(try field.string())
    case .keyPasswordFile: keyPasswordFile = folder.resolve(try field.string())
    case .pin:
      var pins: [PublicKeyPin] = []
      for text in try field.strings() {
        pins.append(try field.read(text) { text throws(Failure) in try PublicKeyPin(text) })
      }
      self.pins = pins
    case .insecure: insecure = try field.truth()
    case .tlsMin: minimumVersion = try field.choice(TLSOptions.Version.self)
    case .ipv4: if try field.truth() { families = .v4 }
    case .ipv6: if try field.truth() { families = .v6 }
    case .dnsServer:
      nameServer = try field.read(field.string()) { text throws(Failure) in try NameServer(parsing: text) }
    case .proxy:
      let text = try field.string()
      proxy = try field.read(text) { text throws(Failure) in try Proxy(parsing: text) }
      if text.utf8.contains(UInt8(ascii: "@")) { holdsPassword = true }
    case .connectTimeout: connectTimeout = try field.seconds()
    case .maxTime: maxTime = try field.seconds()
    }
  }
}
