extension String {
  /// Whether the number stands alone in this text, as a dump of `[UInt8]` prints a byte. Digits inside a longer
  /// word do not count: a dump also prints addresses, which differ from run to run.
  public func showsNumber(_ number: UInt8) -> Bool {
    split { !$0.isLetter && !$0.isNumber }.contains("\(number)")
  }
}
