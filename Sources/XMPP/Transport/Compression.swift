import CZlib

/// zlib both ways over one stream (XEP-0138): what is written leaves at once, what comes in may not blow up.
final class Compression {
  /// How much larger the text may be than what it came from. Zlib reaches 1032; repetitive traffic stays far below this.
  static let mostExpansion = 300
  /// Text up to this size passes whatever its ratio.
  static let freeExpansion = 1 << 20

  private let deflater: UnsafeMutablePointer<z_stream>
  private let inflater: UnsafeMutablePointer<z_stream>
  /// Bytes as they came; those before `used` were inflated.
  private var compressed = [UInt8](repeating: 0, count: 8 << 10)
  private var used = 0
  private var end = 0
  /// Whether the inflater stopped for want of room.
  private var hasMore = false
  /// Whether the far side ended its zlib stream; nothing behind that end counts.
  private var isOver = false

  /// Starts both directions.
  ///
  /// - Throws: where zlib has no memory.
  init() throws(Failure) {
    deflater = .allocate(capacity: 1)
    deflater.initialize(to: z_stream())
    inflater = .allocate(capacity: 1)
    inflater.initialize(to: z_stream())
    guard zlib_deflate_init(deflater) == Z_OK, zlib_inflate_init(inflater) == Z_OK else {
      throw Failure(.stream, "setup-failed", "zlib cannot start", status: .internalError)
    }
  }

  deinit {
    deflateEnd(deflater)
    inflateEnd(inflater)
    deflater.deallocate()
    inflater.deallocate()
  }

  /// How many times smaller the traffic was on the wire than it is, both directions together.
  var ratio: Double? {
    let wire = deflater.pointee.total_out + inflater.pointee.total_in
    return wire > 0 ? Double(deflater.pointee.total_in + inflater.pointee.total_out) / Double(wire) : nil
  }

  /// Compresses all of the bytes so that the far side can read them at once.
  func deflate(_ bytes: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 4 << 10)
    var bytes = bytes
    bytes.withUnsafeMutableBufferPointer { input in
      deflater.pointee.next_in = input.baseAddress
      deflater.pointee.avail_in = UInt32(clamping: input.count)
      repeat {
        let count = piece.withUnsafeMutableBufferPointer { room -> Int in
          deflater.pointee.next_out = room.baseAddress
          deflater.pointee.avail_out = UInt32(clamping: room.count)
          CZlib.deflate(deflater, Z_SYNC_FLUSH)
          return room.count - Int(deflater.pointee.avail_out)
        }
        output.append(contentsOf: piece[..<count])
      } while deflater.pointee.avail_out == 0
      deflater.pointee.next_in = nil
    }
    return output
  }

  /// Puts some text into the buffer, or none where its end has not come yet, from what `read` puts into the buffer it is given.
  ///
  /// - Throws: `policy-violation` where the text grows out of proportion; `invalid-xml` for what is no zlib stream.
  func inflate(
    into buffer: UnsafeMutableRawBufferPointer,
    reading read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Channel.Received
  ) throws(Failure) -> Channel.Received {
    if isOver { return .end(clean: true) }
    if used < end || hasMore {
      let count = try inflate(into: buffer)
      if count > 0 { return .bytes(count) }
    }
    var received: Result<Channel.Received, Failure> = .success(.nothing)
    compressed.withUnsafeMutableBytes { room in
      received = Result { () throws(Failure) in try read(room) }
    }
    let result = try received.get()
    guard case .bytes(let count) = result else { return result }
    (used, end) = (0, count)
    // Perhaps no text at all: whoever reads on looks at the clock in between, which endless empty blocks must not prevent.
    return .bytes(try inflate(into: buffer))
  }

  private func inflate(into buffer: UnsafeMutableRawBufferPointer) throws(Failure) -> Int {
    var code = Z_OK
    compressed.withUnsafeMutableBufferPointer { input in
      inflater.pointee.next_in = input.baseAddress.map { $0 + used }
      inflater.pointee.avail_in = UInt32(clamping: end - used)
      inflater.pointee.next_out = buffer.bindMemory(to: UInt8.self).baseAddress
      inflater.pointee.avail_out = UInt32(clamping: buffer.count)
      code = CZlib.inflate(inflater, Z_SYNC_FLUSH)
      used = end - Int(inflater.pointee.avail_in)
      inflater.pointee.next_in = nil
    }
    let count = buffer.count - Int(inflater.pointee.avail_out)
    isOver = code == Z_STREAM_END
    hasMore = !isOver && inflater.pointee.avail_out == 0
    guard code == Z_OK || code == Z_BUF_ERROR || isOver else {
      throw .protocolViolation("invalid-xml", "the compressed stream is broken (zlib \(code))")
    }
    let text = Int(inflater.pointee.total_out)
    guard
      text <= Compression.freeExpansion || text / Compression.mostExpansion <= Int(inflater.pointee.total_in)
    else {
      throw .protocolViolation(
        "policy-violation", "the compressed stream expands more than \(Compression.mostExpansion) times")
    }
    return count
  }
}

extension Compression {
  /// The version of zlib in use.
  static var libraryVersion: String { String(cString: zlibVersion()) }
}
