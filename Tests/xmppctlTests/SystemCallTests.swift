import Foundation
import Synchronization
import TestSupport
import Testing

/// D10: system calls that fail, one at a time, and that are interrupted all the time.
@Suite struct SystemCallTests {
  @Test(
    "D10: system calls that are interrupted or would block, again and again, make the same output",
    arguments: SystemCallScene.Command.allCases)
  func interrupted(command: SystemCallScene.Command) throws {
    let scene = SystemCallScene(command: command)
    let reference = try scene.run()
    #expect(reference.outcome.status == 0, "\(reference.outcome.error)")
    for error in ["EINTR", "EAGAIN"] {
      // A poll(2) never would block.
      let calls = error == "EINTR" ? "recvfrom,sendto,write,poll" : "recvfrom,sendto,write"
      for when in ["1+2", "2+3", "5+2"] {
        let result = try scene.run(.init(call: calls, error: error, when: when))
        #expect(result.outcome.status == 0, "\(error) \(when): \(result.outcome.error)")
        #expect(result.injected != nil && result.essence == reference.essence)
      }
    }
  }

  @Test("D10: a system without memory for waiting is no bug: the connection is lost", arguments: ["1", "2"])
  func interrupted(number: String) throws {
    let result = try SystemCallScene(command: .send).run(
      .init(call: "poll", error: "ENOMEM", when: number))
    #expect(result.injected != nil && result.outcome.status == 69, "\(result.outcome.error)")
    #expect(result.outcome.error.contains(" tcp: poll: Cannot allocate memory\n"))
  }

  @Test("D10: one system call fails, some of all that there are: the same output, or the right exit status")
  func interrupted() throws {
    var generator = SeededGenerator(seed: 10)
    var counts = (runs: 0, faults: 0)
    let problems = try SystemCallLoop.run(&counts) { range in
      // One in four, so that all of them together take some seconds.
      Int.random(in: 0..<4, using: &generator) == 0
        ? [range.randomElement(using: &generator) ?? range.lowerBound] : []
    }
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n\n"))")
    #expect(counts.faults > 20)
  }
}

/// All of them; `make torture` runs it.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["XMPPCTL_TORTURE"] != nil))
struct SystemCallTortureTests {
  @Test("D10: each system call fails once, by each of its errors")
  func interrupted() throws {
    var counts = (runs: 0, faults: 0)
    let problems = try SystemCallLoop.run(&counts) { Array($0) }
    print(
      "system calls: \(counts.runs) runs, \(counts.faults) calls made to fail, problems \(problems.count)")
    #expect(problems.isEmpty, "\(problems.joined(separator: "\n\n"))")
    #expect(counts.faults > 500)
  }
}

/// Makes calls fail, some commands at a time.
enum SystemCallLoop {
  /// - Parameter choice: which of a call's numbers are to fail, of those that came without a fault.
  /// - Returns: what is wrong.
  static func run(
    _ counts: inout (runs: Int, faults: Int), _ choice: (ClosedRange<Int>) -> [Int]
  ) throws -> [String] {
    var jobs: [(scene: SystemCallScene, fault: SystemCallScene.Fault, reference: String)] = []
    for command in SystemCallScene.Command.allCases {
      let scene = SystemCallScene(command: command)
      let reference = try scene.run()
      guard reference.outcome.status == 0 else { throw SupportFailure("\(reference.outcome.error)") }
      let (before, behind) = reference.counts
      for (call, errors) in SystemCallScene.failures {
        guard let count = behind[call] else { continue }
        // What the loader does before the program begins is the loader's.
        let first = (before[call] ?? 0) + 1
        for error in errors {
          for number in choice(first...first + count - 1) {
            jobs.append((scene, .init(call: call, error: error, when: "\(number)"), reference.essence))
          }
        }
      }
    }
    let all = jobs
    let state = Mutex((next: 0, faults: 0, problems: [String]()))
    DispatchQueue.concurrentPerform(iterations: 3) { _ in
      while true {
        let number = state.withLock { state in
          state.next += 1
          return state.next - 1
        }
        guard number < all.count else { return }
        let job = all[number]
        do {
          let result = try job.scene.run(job.fault)
          let problems = job.scene.problems(result, job.fault, reference: job.reference)
          state.withLock { state in
            state.faults += result.injected == nil ? 0 : 1
            state.problems += problems
          }
        } catch {
          state.withLock { $0.problems.append("\(job.scene.command), \(job.fault): \(error)") }
        }
      }
    }
    counts = (all.count, state.withLock { $0.faults })
    return state.withLock { $0.problems }
  }
}
