import CLinux
import Glibc

/// Protects the secrets in memory from here on: a crash writes no core file, and no other process of the user can read the
/// memory (`PR_SET_DUMPABLE`, `ptrace(2)`). Children are not affected: the flag is set anew when they start a program.
///
/// A limit of one byte is below the least a file needs, and unlike zero it also keeps the kernel from piping the memory to a
/// crash reporter (`core(5)`, `coredump_pipe`).
func leaveNoCore() {
  _ = set_not_dumpable()
  var limits = rlimit()
  guard getrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits) == 0 else { return }
  limits.rlim_cur = min(1, limits.rlim_max)
  limits.rlim_max = limits.rlim_cur
  setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &limits)
}
