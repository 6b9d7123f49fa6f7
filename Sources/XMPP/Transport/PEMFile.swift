import COpenSSL
import Glibc

/// A file of certificates and keys that the user named, read whole before anything is sent.
struct PEMFile {
  /// Larger than any file of certificates; bytes.
  static let limit = 4 << 20

  /// Where it is, for the messages.
  let path: String
  private let bytes: [UInt8]

  /// - Throws: `.noInput` if it cannot be read or is no regular file, `.data` if it is larger than any file of certificates.
  init(path: String) throws(Failure) {
    self.path = path
    bytes = try contents(of: path)
  }

  /// Its certificates in their order.
  ///
  /// - Throws: `.data` where there is none, or one is damaged.
  func certificates() throws(Failure) -> [Certificate] {
    guard let bio = bytes.withUnsafeBytes(memory) else { throw outOfMemory }
    defer { BIO_free(bio) }
    ERR_clear_error()
    var found: [Certificate] = []
    // With what the file says each of them is trusted for, if it says so.
    while let next = PEM_read_bio_X509_AUX(bio, nil, nil, nil) { found.append(Certificate(owning: next)) }
    let reason = ERR_GET_REASON(ERR_peek_last_error())
    ERR_clear_error()
    guard reason == PEM_R_NO_START_LINE, !found.isEmpty else {
      let what =
        reason == PEM_R_NO_START_LINE ? "holds no certificate in PEM form" : "holds a damaged certificate"
      throw Failure(.input, "invalid-certificate", "\(path) \(what)", status: .data)
    }
    return found
  }

  /// Its private key: OpenSSL's `EVP_PKEY *`, owned by the caller.
  ///
  /// - Parameter passphrase: for an encrypted key; nothing is ever asked on the terminal.
  /// - Throws: `.data` where there is none, or it is damaged, or encrypted and the passphrase is missing or wrong.
  func privateKey(passphrase: [UInt8]?) throws(Failure) -> OpaquePointer {
    guard let bio = bytes.withUnsafeBytes(memory) else { throw outOfMemory }
    defer { BIO_free(bio) }
    ERR_clear_error()
    defer { ERR_clear_error() }
    let request = PassphraseRequest(passphrase)
    let key = withExtendedLifetime(request) {
      PEM_read_bio_PrivateKey(bio, nil, answerPassphrase, Unmanaged.passUnretained(request).toOpaque())
    }
    if let key { return key }
    if request.wasAsked {
      throw passphrase == nil
        ? Failure(
          .input, "encrypted-key", "the key in \(path) is encrypted and no passphrase was given",
          status: .data)
        : Failure(
          .input, "wrong-passphrase", "the passphrase does not open the key in \(path)", status: .data)
    }
    throw Failure(
      .input, "invalid-key", "\(path) holds no private key in PEM form that can be used", status: .data)
  }

  /// A copy for OpenSSL to read from.
  private func memory(_ bytes: UnsafeRawBufferPointer) -> OpaquePointer? {
    guard let bio = BIO_new(BIO_s_mem()) else { return nil }
    if bytes.count > 0, BIO_write(bio, bytes.baseAddress, Int32(clamping: bytes.count)) <= 0 {
      BIO_free(bio)
      return nil
    }
    return bio
  }
}

/// What OpenSSL is to be told when it asks for a passphrase, and whether it asked.
private final class PassphraseRequest {
  let passphrase: [UInt8]?
  var wasAsked = false

  init(_ passphrase: [UInt8]?) { self.passphrase = passphrase }
}

/// OpenSSL's `pem_password_cb`; without one of ours OpenSSL would ask the terminal itself.
private func answerPassphrase(
  _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int32, _: Int32, _ context: UnsafeMutableRawPointer?
) -> Int32 {
  guard let buffer, let context else { return -1 }
  let request = Unmanaged<PassphraseRequest>.fromOpaque(context).takeUnretainedValue()
  request.wasAsked = true
  guard let passphrase = request.passphrase, passphrase.count <= Int(size) else { return -1 }
  for (index, byte) in passphrase.enumerated() { buffer[index] = CChar(bitPattern: byte) }
  return Int32(passphrase.count)
}

private func contents(of path: String) throws(Failure) -> [UInt8] {
  // A FIFO without a writer, or a terminal, would keep the run past its deadline.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)
  guard descriptor >= 0 else { throw unreadable(path, String(cString: strerror(errno))) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw unreadable(path, String(cString: strerror(errno))) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw unreadable(path, "not a regular file") }
  var bytes: [UInt8] = []
  var piece = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &piece, piece.count)
    if count == 0 { return bytes }
    if count < 0 {
      if errno == EINTR { continue }
      throw unreadable(path, String(cString: strerror(errno)))
    }
    bytes += piece.prefix(count)
    if bytes.count > PEMFile.limit {
      throw Failure(
        .input, "file-too-large", "\(path) is larger than \(PEMFile.limit >> 20) MiB", status: .data)
    }
  }
}

private func unreadable(_ path: String, _ why: String) -> Failure {
  Failure(.input, "file-unreadable", "\(path): \(why)", status: .noInput)
}

/// OpenSSL could not even make an object.
let outOfMemory = Failure(.tls, "openssl-failed", "OpenSSL is out of memory", status: .internalError)
