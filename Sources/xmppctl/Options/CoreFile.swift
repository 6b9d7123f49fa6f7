import CLinux
import Glibc

/// Protects the secrets in memory from here on: a crash writes no core file, and no other process of the user can read the
/// memory (`PR_SET_DUMPABLE`, `ptrace(2)`). Children are not affected: the flag is set anew when they start a program.
///
/// A limit of one byte is below the least a file needs, and unlike zero it also keeps the kernel from piping the memory to a
/// crash reporter (`core(5)`, `coredump_pipe`).
func leaveNoCore() {
  // A tracer reads the memory already, and could no longer show it to the user: strace(1) would print addresses.
  if !isTraced { _ = set_not_dumpable() }
  var limits = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits) == 0 else { return }
  limits.rlim_cur = min(1, limits.rlim_max)
  limits.rlim_max = limits.rlim_cur
  setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits)
}

/// Whether the user runs this process in a debugger or in strace(1), as `proc_pid_status(5)` has it.
private var isTraced: Bool {
  let descriptor = open("/proc/self/status", O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return false }
  defer { close(descriptor) }
  var bytes = [UInt8](repeating: 0, count: 4096)
  let count = read(descriptor, &bytes, bytes.count)
  return bytes.prefix(max(0, count)).split(separator: UInt8(ascii: "\n")).contains {
    $0.starts(with: "TracerPid:".utf8) && !$0.elementsEqual("TracerPid:\t0".utf8)
  }
}
