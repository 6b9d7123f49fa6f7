import Testing

@testable import XMPP

@Suite struct ReconnectionTests {
  private let lost = Failure(.stream, "connection-closed", "lost", status: .noConnection)

  @Test func pausesGrowToAMinuteAndHalfOfEachIsChance() {
    var (soonest, latest, any) = (Reconnection(), Reconnection(), Reconnection())
    for bound in [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60] {
      let first = soonest.pause(after: lost, heldFor: 0, chance: 0)
      #expect(first == bound / 2)
      let last = latest.pause(after: lost, heldFor: 0, chance: 1)
      #expect(last == bound)
      let pause = any.pause(after: lost, heldFor: 0) ?? 0
      #expect(bound / 2...bound ~= pause)
    }
  }

  @Test func twoClientsDoNotComeBackTogether() {
    var policy = Reconnection()
    var other = policy
    let pause = policy.pause(after: lost, heldFor: 0)
    let others = other.pause(after: lost, heldFor: 0)
    #expect(pause != others)
  }

  @Test func aSessionThatHeldLetsPausesBeginAnew() {
    var policy = Reconnection()
    for _ in 0..<5 { _ = policy.pause(after: lost, heldFor: 0) }
    let long = policy.pause(after: lost, heldFor: 3) ?? 0
    #expect(8...16 ~= long)
    let short = policy.pause(after: lost, heldFor: 3600) ?? 0
    #expect(0.25...0.5 ~= short)
  }

  @Test("S4: conflict, failed logins, certificates and broken streams are never retried")
  func endings() {
    var policy = Reconnection()
    for condition in [
      "conflict", "policy-violation", "not-authorized", "undefined-condition", "bad-format", "not-xml",
      "not-a-condition",
    ] {
      let pause = policy.pause(after: .protocolViolation(condition, "…"), heldFor: 100)
      #expect(pause == nil)
    }
    for status in [
      ExitStatus.authentication, .certificate, .output, .interrupted, .terminated, .timeout, .bind, .refused,
      .internalError,
    ] {
      let pause = policy.pause(after: Failure(.stream, "x", "…", status: status), heldFor: 100)
      #expect(pause == nil)
    }
  }

  @Test("S12: a server that restarts is come back to")
  func passing() {
    var policy = Reconnection()
    for condition in ["system-shutdown", "reset", "host-unknown", "see-other-host", "internal-server-error"] {
      let pause = policy.pause(after: .protocolViolation(condition, "…"), heldFor: 0)
      #expect(pause != nil)
    }
    for failure in [
      Failure(.tcp, "connection-refused", "…", status: .noConnection),
      Failure(.dns, "x", "…", status: .noHost), Failure(.timeout, "connect-timeout", "…", status: .timeout),
      Failure(.auth, "temporary-auth-failure", "…", status: .authentication),
    ] {
      let pause = policy.pause(after: failure, heldFor: 0)
      #expect(pause != nil)
    }
  }
}
