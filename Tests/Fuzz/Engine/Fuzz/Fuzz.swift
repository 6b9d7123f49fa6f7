import Glibc

/// The target that the environment names; libFuzzer takes all arguments for its own.
private let target: FuzzTarget = {
  let name = getenv("FUZZ_TARGET").map { String(cString: $0) }
  if let target = FuzzTarget.all.first(where: { $0.name == name }) { return target }
  print("FUZZ_TARGET is to be one of " + FuzzTarget.all.map(\.name).joined(separator: " "))
  exit(64)
}()

/// What libFuzzer calls with each input. A broken property ends the process, which it takes for a crash.
@c(LLVMFuzzerTestOneInput)
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
  do {
    try target.check(Array(UnsafeBufferPointer(start: bytes, count: count)))
  } catch {
    print("BROKEN PROPERTY: \(error)")
    fflush(nil)
    abort()
  }
  return 0
}
