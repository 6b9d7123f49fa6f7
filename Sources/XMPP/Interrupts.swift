import CLinux
import Glibc

/// The signals that end a run, as something to poll, so that the run can close its stream first: SIGINT, SIGTERM, SIGHUP and
/// SIGQUIT, unless they were ignored when the process began, as SIGHUP is under nohup(1).
///
/// The signals stay blocked for the life of the process; a child process must be given an empty mask.
public final class Interrupts: Sendable {
  private static let signals: [(number: Int32, status: ExitStatus)] = [
    (SIGINT, .interrupted), (SIGTERM, .terminated), (SIGHUP, .hangup), (SIGQUIT, .quit),
  ]

  /// Readable when a signal came.
  let descriptor: Int32

  /// Blocks the signals and listens for them; `nil` if the system has no `signalfd` to spare.
  public init?() {
    var mask = sigset_t()
    sigemptyset(&mask)
    // A signal that is blocked is queued although it is ignored.
    for (number, _) in Interrupts.signals where !Interrupts.isIgnored(number) { sigaddset(&mask, number) }
    guard sigprocmask(SIG_BLOCK, &mask, nil) == 0 else { return nil }
    descriptor = signalfd(-1, &mask, Int32(SFD_CLOEXEC | SFD_NONBLOCK))
    if descriptor < 0 { return nil }
  }

  deinit { close(descriptor) }

  /// The exit status for the signal that came; `nil` if none did.
  func take() -> ExitStatus? {
    var info = signalfd_siginfo()
    guard read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) > 0 else { return nil }
    return Interrupts.signals.first { UInt32(bitPattern: $0.number) == info.ssi_signo }?.status
      ?? .interrupted
  }

  private static func isIgnored(_ signal: Int32) -> Bool {
    var action = sigaction()
    guard sigaction(signal, nil, &action) == 0 else { return false }
    // SIG_IGN is the address 1.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
