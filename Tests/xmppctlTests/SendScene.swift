import Foundation
import TestSupport
import Testing

/// A real server with somebody who sends and somebody who is online to receive.
struct SendScene {
  let sender: Account
  let receiver: Receiver
  /// The options that lead to the server.
  let way: [String]
  /// Where its rooms are.
  let rooms: String

  /// On the shared Prosody or ejabberd, or a Prosody of one's own.
  init(_ name: String = "Prosody", _ own: Prosody? = nil, answersReceipts: Bool = false) throws {
    let tag = String(UInt32.random(in: 0 ... .max), radix: 36)
    if name == "Prosody" {
      let prosody = try own ?? Prosody.shared
      sender = try prosody.account("sender\(tag)", password: SendScene.password)
      let receiver = try prosody.account("receiver\(tag)", on: prosody.plainDomain)
      self.receiver = try Receiver(receiver, port: prosody.port, answersReceipts: answersReceipts)
      way = ["--connect-to", "127.0.0.1:\(prosody.port)", "--cacert", prosody.caFile]
      rooms = prosody.roomsDomain
    } else {
      let ejabberd = try Ejabberd.shared
      sender = try ejabberd.account("sender\(tag)", password: SendScene.password)
      let receiver = try ejabberd.account("receiver\(tag)")
      self.receiver = try Receiver(receiver, port: ejabberd.port(.plain), answersReceipts: answersReceipts)
      way = ["--connect-to", "127.0.0.1:\(ejabberd.port)", "--cacert", ejabberd.caFile]
      rooms = ejabberd.roomsDomain
    }
  }

  /// The receiver's full JID.
  var to: String { receiver.jid }

  /// The arguments of a run.
  func arguments(_ options: [String], within seconds: Int = 60) -> [String] {
    ["send", "--jid", sender.jid, "--max-time", "\(seconds)"] + way + options
  }

  static let password = "0pen-Sesame/7"
  static let environment = ["XMPPCTL_PASSWORD": password]

  /// Sends.
  func send(_ options: String..., input: String = "", within seconds: Int = 60) throws -> Outcome {
    try Program.xmppctl.run(
      arguments(options, within: seconds), input: input, environment: SendScene.environment,
      within: .seconds(seconds + 20))
  }
}

extension Outcome {
  /// Its output's lines as JSON.
  var results: [JSON] {
    get throws { try outputBytes.split(separator: UInt8(ascii: "\n")).map { try JSON(Data($0)) } }
  }

  /// The status of each result, by id.
  var statuses: [String: String] {
    get throws {
      var statuses: [String: String] = [:]
      for result in try results {
        if case (.string(let id), .string(let status)) = (result["id"], result["status"]) {
          statuses[id] = status
        }
      }
      return statuses
    }
  }
}
