import Testing

@testable import XMPP

@Suite struct DeadlineTests {
  @Test func ordersMomentsAndNever() {
    #expect(Deadline.after(seconds: 1) < Deadline.after(seconds: 2))
    #expect(Deadline.after(seconds: 2) < Deadline.never)
    #expect(Deadline.after(seconds: 1e12) == .never)
    #expect(Deadline.after(seconds: -1).hasPassed)
    #expect(!Deadline.never.hasPassed)
  }

  @Test func roundsPollTimeoutsUpSoThatAPollDoesNotSpin() {
    #expect(Deadline.never.pollTimeout == -1)
    #expect(Deadline.after(seconds: -1).pollTimeout == 0)
    #expect((1...2).contains(Deadline.after(seconds: 0.0015).pollTimeout))
  }
}
