import Glibc
import XMPP

/// Where the stanzas of a run come from: the options alone, or standard input, read as it comes.
final class SendSource {
  /// Whether everything was read and taken.
  private(set) var isAtEnd = false
  /// Bad input that was passed over.
  private(set) var passedOver = 0
  /// Whether bad input is passed over.
  let keepsGoing: Bool

  private let form: SendReader.Form
  private var template: SendTemplate
  private let text: InputText
  private var reader: SendReader
  private var ready: [SendItem] = []
  private var taken = 0
  private var inputEnded = false
  private var buffer = [UInt8](repeating: 0, count: 64 << 10)

  /// So much is read and checked before anything is sent.
  private static let held = 1 << 20

  /// Stanzas read from standard input.
  ///
  /// - Parameter canReplace: whether an option replaces characters that XML cannot carry, for the hint.
  init(
    _ form: SendReader.Form, _ template: SendTemplate, replacesInvalid: Bool, keepsGoing: Bool,
    canReplace: Bool = true
  ) {
    self.form = form
    self.template = template
    self.keepsGoing = keepsGoing
    text = InputText(replacesInvalid: replacesInvalid, canReplace: canReplace)
    reader = SendReader(form, template, text)
  }

  /// One body that is known already.
  ///
  /// - Throws: where XML cannot carry it.
  convenience init(body: String, _ template: SendTemplate, replacesInvalid: Bool) throws(Failure) {
    self.init(.body, template, replacesInvalid: replacesInvalid, keepsGoing: false)
    inputEnded = true
    ready = try template.items(body: text.text(Array(body.utf8), in: "the message"))
  }

  /// Sets who sends, before anything is read.
  func setAccount(_ account: JID) {
    template.account = account
    reader = SendReader(form, template, text)
  }

  /// Whether more can come from standard input.
  var wantsInput: Bool { !inputEnded && taken == ready.count }

  /// The next stanza; `nil` when more input is needed, or none is left.
  ///
  /// - Throws: what is wrong with the input, unless it is passed over.
  func next() throws(Failure) -> SendItem? {
    while taken == ready.count {
      switch try reader.next() {
      case .items(let items): (ready, taken) = (items, 0)
      case .bad(let failure):
        guard keepsGoing else { throw failure }
        passedOver += 1
        Printer.diagnostic("xmppctl: send: input: \(failure.message.shown)")
        if let hint = failure.hint { Printer.diagnostic("xmppctl: hint: \(hint.shown)") }
      case nil:
        (ready, taken) = ([], 0)
        isAtEnd = inputEnded
        return nil
      }
    }
    taken += 1
    return ready[taken - 1]
  }

  /// Reads what standard input has; call when it is readable.
  ///
  /// - Throws: where it cannot be read.
  func read() throws(Failure) { pass(try chunk()) }

  /// Reads and checks beforehand what is small enough to hold and comes at once: a whole body; of a file or a pipe the
  /// first MiB, where a tenth of a second brings it.
  ///
  /// - Throws: the first thing in it that is wrong.
  func prepare(_ waiter: Waiter) throws(Failure) {
    guard !inputEnded else { return }
    var bytes: [UInt8] = []
    var hasMore = true
    let moment = form == .body ? .never : Deadline.after(seconds: 0.1)
    let limit = form == .body ? SendReader.bodyLimit : SendSource.held
    while hasMore, bytes.count <= limit, try isReadable(waiter, until: moment) {
      guard let chunk = try chunk() else { continue }
      hasMore = !chunk.isEmpty
      bytes.append(contentsOf: chunk)
    }
    // What precedes a mistake is still listed as not sent.
    if !bytes.isEmpty { pass(bytes[...]) }
    if !hasMore { pass([]) }
    try check(bytes, isWhole: !hasMore)
  }

  /// What is left, as far as it comes at once; `nil` at the end of that, and before what cannot be sent.
  ///
  /// - Parameter readsOn: whether to read more of standard input for it.
  func rest(_ waiter: Waiter, readsOn: Bool) -> SendItem? {
    do throws(Failure) {
      while true {
        if let item = try next() { return item }
        guard readsOn, wantsInput, try isReadable(waiter, until: .after(seconds: 0.1)) else { return nil }
        try read()
      }
    } catch {
      return nil
    }
  }

  private func isReadable(_ waiter: Waiter, until moment: Deadline) throws(Failure) -> Bool {
    var input = [pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)]
    return try waiter.wait(for: &input, until: moment, doing: "reading standard input") > 0
  }

  /// What standard input has; empty at its end, `nil` where nothing is there after all.
  private func chunk() throws(Failure) -> ArraySlice<UInt8>? {
    let count = buffer.withUnsafeMutableBytes { Glibc.read(STDIN_FILENO, $0.baseAddress, $0.count) }
    if count >= 0 { return buffer[..<count] }
    if errno == EINTR || errno == EAGAIN { return nil }
    throw Failure(
      .input, "read-failed", "standard input: \(String(cString: strerror(errno)))", status: .noInput)
  }

  private func pass(_ chunk: ArraySlice<UInt8>?) {
    guard let chunk else { return }
    if chunk.isEmpty {
      inputEnded = true
      reader.end()
    } else {
      chunk.withUnsafeBytes { reader.feed($0) }
    }
  }

  private func check(_ bytes: [UInt8], isWhole: Bool) throws(Failure) {
    var reader = SendReader(form, template, text)
    bytes.withUnsafeBytes { reader.feed($0) }
    if isWhole { reader.end() }
    while let event = try reader.next() {
      if case .bad(let failure) = event, !keepsGoing { throw failure }
    }
  }
}
