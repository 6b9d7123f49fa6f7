import XMPP

/// What the configuration file says: named accounts, and which of them is meant where none is named.
struct Configuration {
  /// The file it was read from, for messages.
  let file: String
  /// The accounts by name.
  private(set) var accounts: [String: AccountSettings] = [:]
  private var defaultName: String?
  /// Whether there is no such file.
  private let isAbsent: Bool

  /// Where there is no file.
  init(absent file: String) {
    self.file = file
    isAbsent = true
  }

  /// Reads JSON5: `{default: "work", accounts: {work: {jid: "…"}}}`.
  ///
  /// All accounts are checked, whichever is used: a mistake should not wait for the day somebody needs that account.
  ///
  /// - Parameters:
  ///   - json5: the file's bytes.
  ///   - file: its path; relative paths in it start at its folder.
  ///   - home: what `~/` stands for.
  /// - Throws: status 78, naming the key and the account.
  init(_ json5: [UInt8], file: String, home: String?) throws(Failure) {
    self.file = file
    isAbsent = false
    let root = ConfigurationField(place: file, value: try Configuration.parse(json5, file))
    for (name, field) in try root.members() {
      switch name {
      case "default": defaultName = try field.string()
      case "accounts":
        for (name, account) in try field.members() {
          let folder = ConfigurationFolder(file: file, home: home)
          accounts[name] = try AccountSettings(
            ConfigurationField(place: "\(file): account \(name)", value: account.value), folder: folder)
        }
      default: throw root.unknown(name, among: ["default", "accounts"])
      }
    }
    if let defaultName, accounts[defaultName] == nil {
      throw .configuration(
        "unknown-account", "\(file): default: there is no account \(defaultName)", hint: namesHint)
    }
  }

  /// Whether any account has a password in it, be it that of a proxy.
  var holdsPassword: Bool { accounts.values.contains(where: \.holdsPassword) }

  /// The account where none is named: the default, or the only one there is.
  var defaultAccount: AccountSettings? {
    defaultName.flatMap { accounts[$0] } ?? (accounts.count == 1 ? accounts.values.first : nil)
  }

  /// The account of that name.
  ///
  /// - Throws: status 78 where there is none.
  func account(named name: String) throws(Failure) -> AccountSettings {
    if let account = accounts[name] { return account }
    let why = isAbsent ? "no such file, and so no" : "there is no"
    throw .configuration("unknown-account", "\(file): \(why) account \(name)", hint: namesHint)
  }

  /// The account of a JID, whatever the resourceparts; the default one where several have it.
  ///
  /// - Throws: a usage failure where several have it and none is the default.
  func account(of jid: JID) throws(Failure) -> AccountSettings? {
    let names = accounts.filter { $0.value.jid?.bare == jid.bare }.keys.sorted()
    if let defaultName, names.contains(defaultName) { return accounts[defaultName] }
    guard names.count < 2 else {
      throw .usage(
        "\(jid.bare) is the address of the accounts \(names.joined(separator: ", "))",
        hint: "choose one with --account")
    }
    return names.first.flatMap { accounts[$0] }
  }

  private var namesHint: String? {
    accounts.isEmpty ? nil : "the accounts are " + accounts.keys.sorted().joined(separator: ", ")
  }

  private static func parse(_ json5: [UInt8], _ file: String) throws(Failure) -> JSONValue {
    do throws(JSON5Reader.Malformed) {
      return try JSONValue(json5: json5)
    } catch {
      throw .configuration("malformed", "\(file): it is not valid JSON5: line \(error.line): \(error.what)")
    }
  }
}

/// Where relative paths start and what `~/` stands for.
struct ConfigurationFolder {
  /// The folder with a final slash; empty for the working folder.
  private let path: String
  private let home: String?

  /// The folder of a file.
  init(file: String, home: String?) {
    path = file.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(file[...$0]) } ?? ""
    self.home = home
  }

  /// The path as the process must open it.
  func resolve(_ text: String) -> String {
    if text.utf8.starts(with: "~/".utf8), let home { return home + text.dropFirst() }
    return text.utf8.first == UInt8(ascii: "/") ? text : path + text
  }
}

/// One value of the configuration, and where it stands.
struct ConfigurationField {
  /// The file, the account and the key, for messages.
  let place: String
  let value: JSONValue

  /// A string that is not empty.
  func string() throws(Failure) -> String {
    guard case .string(let text) = value else { throw wrongType("a string") }
    guard !text.isEmpty else { throw invalid("must not be empty") }
    return text
  }

  /// A string, or an array of them.
  func strings() throws(Failure) -> [String] {
    guard case .array(let values) = value else { return [try string()] }
    var texts: [String] = []
    for value in values { texts.append(try ConfigurationField(place: place, value: value).string()) }
    return texts
  }

  /// True or false.
  func truth() throws(Failure) -> Bool {
    guard case .bool(let truth) = value else { throw wrongType("true or false") }
    return truth
  }

  /// A number of seconds above zero.
  func seconds() throws(Failure) -> Double {
    guard case .number(let number) = value else { throw wrongType("a number of seconds") }
    guard number > 0, number.isFinite else { throw invalid("must be above zero") }
    return number
  }

  /// One of the values of an enumeration.
  func choice<Choice: RawRepresentable & CaseIterable>(_: Choice.Type) throws(Failure) -> Choice
  where Choice.RawValue == String {
    if let choice = Choice(rawValue: try string()) { return choice }
    throw invalid("must be " + Choice.allCases.map(\.rawValue).joined(separator: ", "))
  }

  /// What a reader of text makes of a string; its failure becomes one of the configuration.
  func read<Value>(
    _ text: String, _ reader: (String) throws(Failure) -> Value
  ) throws(Failure) -> Value {
    do throws(Failure) {
      return try reader(text)
    } catch {
      throw .configuration(
        error.condition, "\(place): \(error.message)", hint: Hints().applied(to: error, in: .json).hint)
    }
  }

  /// The members of an object, in the order of their names.
  func members() throws(Failure) -> [(name: String, field: ConfigurationField)] {
    guard case .object(let members) = value else { throw wrongType("an object") }
    return members.sorted { $0.key < $1.key }.map {
      ($0.key, ConfigurationField(place: "\(place): \($0.key)", value: $0.value))
    }
  }

  /// The failure for a member that has no meaning here, with the closest of the keys that have.
  func unknown(_ name: String, among keys: [String]) -> Failure {
    let closest = closest(to: name, among: keys)
    return .configuration(
      "unknown-key", "\(place): there is no key \(name)",
      hint: closest.map { "use \($0)" } ?? "the keys are \(keys.joined(separator: ", "))")
  }

  /// The failure for a value that cannot be used.
  func invalid(_ why: String) -> Failure { .configuration("invalid-value", "\(place): \(why)") }

  private func wrongType(_ type: String) -> Failure {
    .configuration("wrong-type", "\(place): must be \(type), not \(value.kind)")
  }
}

extension Failure {
  /// The configuration file is wrong.
  static func configuration(_ condition: String, _ message: String, hint: String? = nil) -> Failure {
    Failure(.config, condition, message, hint: hint, status: .configuration)
  }
}
