import ArgumentParser
import XMPP

/// curl for XMPP.
@main
struct XMPPCtl: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "xmppctl", abstract: "Probe an XMPP server, log in, send and listen.")
}
