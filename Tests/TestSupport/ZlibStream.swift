import CZlib

/// zlib streams as a server would send them (XEP-0138), made in one go.
public enum ZlibStream {
  /// The two bytes that begin a stream.
  public static let start: [UInt8] = [0x78, 0x9C]
  /// A block with nothing in it.
  public static let emptyBlock: [UInt8] = [0, 0, 0, 0xFF, 0xFF]

  /// A whole stream.
  public static func compressed(_ bytes: [UInt8]) -> [UInt8] {
    var count = compressBound(UInt(bytes.count))
    var result = [UInt8](repeating: 0, count: Int(count))
    return compress2(&result, &count, bytes, UInt(bytes.count), 6) == Z_OK
      ? Array(result.prefix(Int(count))) : []
  }
}
