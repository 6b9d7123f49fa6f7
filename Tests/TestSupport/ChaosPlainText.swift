/// What a client sends before TLS, cut so that the server still answers it.
///
/// Since the fix of CVE-2023-52425, expat does not parse an incomplete tag again before twice as many of its bytes are
/// there. A tag that was cut in its second half therefore waits for bytes that a client in the middle of STARTTLS must not
/// send (RFC 6120 §5.3.3). Cut anywhere in its first half, as often as may be, it is parsed with its last byte.
/// Bytes in TLS may be cut anywhere, since the server's XML parser sees whole records.
struct ChaosPlainText {
  /// How much of the tag that is being sent was passed on.
  private var passed = 0
  private var isOver = false
  /// The type of a TLS record with a handshake message in it.
  private static let handshake: UInt8 = 22

  /// How many of the bytes to pass on, if so many are wanted: as many, or all that is left of the tag.
  func length(of held: ArraySlice<UInt8>, wanted: Int) -> Int {
    if isOver || passed == 0 && held.first == Self.handshake { return wanted }
    guard let end = held.firstIndex(of: UInt8(ascii: ">")) else { return held.count }
    let left = end + 1 - held.startIndex
    return 2 * (passed + wanted) <= passed + left ? wanted : left
  }

  /// Takes note of bytes that were passed on.
  mutating func pass(_ bytes: ArraySlice<UInt8>) {
    if passed == 0 && bytes.first == Self.handshake { isOver = true }
    passed = bytes.last == UInt8(ascii: ">") ? 0 : passed + bytes.count
  }
}
