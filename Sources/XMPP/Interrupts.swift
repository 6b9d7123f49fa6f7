import CLinux
import Glibc

/// SIGINT and SIGTERM as something to poll, so that a run can close its stream before it ends.
///
/// The signals stay blocked for the life of the process; a child process gets the mask back through `unblockedMask`.
public final class Interrupts: Sendable {
  /// Readable when a signal came.
  let descriptor: Int32

  /// Blocks SIGINT and SIGTERM and listens for them; `nil` where the system has no `signalfd` to spare.
  public init?() {
    var mask = Interrupts.mask
    guard sigprocmask(SIG_BLOCK, &mask, nil) == 0 else { return nil }
    descriptor = signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// The exit status for the signal that came, or `nil` when none did.
  func take() -> ExitStatus? {
    var info = signalfd_siginfo()
    guard read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else { return nil }
    return info.ssi_signo == UInt32(SIGTERM) ? .terminated : .interrupted
  }

  private static var mask: sigset_t {
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, SIGINT)
    sigaddset(&mask, SIGTERM)
    return mask
  }
}
