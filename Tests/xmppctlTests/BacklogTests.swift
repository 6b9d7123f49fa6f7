import Testing

@testable import xmppctl

@Suite struct BacklogTests {
  @Test func whatIsWrittenIsHandled() {
    var backlog = Backlog()
    for _ in 0..<3 {
      #expect(backlog.arrives() == nil)
      backlog.takes()
    }
    #expect(backlog.wrote(2) == 2)
    #expect(backlog.wrote(1) == 1)
  }

  @Test func nothingBehindAStanzaHeldBackIsHandledBeforeIt() {
    var backlog = Backlog()
    backlog.takes()
    backlog.holds()
    backlog.takes()
    #expect(backlog.wrote(2) == 1)
    backlog.releases(1)
    #expect(backlog.wrote(1) == 2)
  }

  @Test func aResumedSessionBringsBackWhatIsKnown() {
    var backlog = Backlog()
    for _ in 0..<4 { backlog.takes() }
    #expect(backlog.wrote(1) == 1)
    backlog.resumes()
    // One is written before it comes again, one after.
    #expect(backlog.wrote(1) == 0)
    #expect(backlog.arrives() == 1)
    #expect(backlog.arrives() == 0)
    #expect(backlog.wrote(1) == 1)
    // Cut again: the last one comes a third time, written meanwhile.
    backlog.resumes()
    #expect(backlog.wrote(1) == 0)
    #expect(backlog.arrives() == 1)
    #expect(backlog.arrives() == nil)
    backlog.takes()
    #expect(backlog.wrote(1) == 1)
  }

  @Test func cutTwiceInARowStillCounts() {
    var backlog = Backlog()
    for _ in 0..<3 { backlog.takes() }
    backlog.resumes()
    #expect(backlog.wrote(2) == 0)
    #expect(backlog.arrives() == 1)
    backlog.resumes()
    #expect(backlog.arrives() == 1)
    #expect(backlog.arrives() == 0)
    #expect(backlog.wrote(1) == 1)
    #expect(backlog.arrives() == nil)
  }

  @Test func aNewSessionCountsItsOwnAlone() {
    var backlog = Backlog()
    for _ in 0..<3 { backlog.takes() }
    backlog.abandons()
    #expect(backlog.arrives() == nil)
    backlog.takes()
    #expect(backlog.wrote(3) == 0)
    #expect(backlog.wrote(1) == 1)
  }
}
