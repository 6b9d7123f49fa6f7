/// The XML namespaces of XMPP, by the names of the specifications that define them.
public enum Namespace {
  /// The namespace of `xml:lang`.
  public static let xml = "http://www.w3.org/XML/1998/namespace"

  /// RFC 6120
  public static let client = "jabber:client"
  /// RFC 6120
  public static let server = "jabber:server"
  /// RFC 6120
  public static let stream = "http://etherx.jabber.org/streams"
  /// RFC 6120
  public static let streamErrors = "urn:ietf:params:xml:ns:xmpp-streams"
  /// RFC 6120
  public static let stanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"
  /// RFC 6120
  public static let tls = "urn:ietf:params:xml:ns:xmpp-tls"
  /// RFC 6120
  public static let sasl = "urn:ietf:params:xml:ns:xmpp-sasl"
  /// RFC 6120
  public static let bind = "urn:ietf:params:xml:ns:xmpp-bind"
  /// RFC 3921 §3, which RFC 6121 dropped.
  public static let session = "urn:ietf:params:xml:ns:xmpp-session"

  /// RFC 6121
  public static let roster = "jabber:iq:roster"
  /// RFC 6121
  public static let rosterVersioning = "urn:xmpp:features:rosterver"
  /// RFC 6121
  public static let preApproval = "urn:xmpp:features:pre-approval"
  /// RFC 7395
  public static let framing = "urn:ietf:params:xml:ns:xmpp-framing"

  /// XEP-0004
  public static let dataForms = "jabber:x:data"
  /// XEP-0012
  public static let lastActivity = "jabber:iq:last"
  /// XEP-0016
  public static let privacy = "jabber:iq:privacy"
  /// XEP-0030
  public static let discoInfo = "http://jabber.org/protocol/disco#info"
  /// XEP-0030
  public static let discoItems = "http://jabber.org/protocol/disco#items"
  /// XEP-0045
  public static let muc = "http://jabber.org/protocol/muc"
  /// XEP-0045
  public static let mucUser = "http://jabber.org/protocol/muc#user"
  /// XEP-0045
  public static let mucAdmin = "http://jabber.org/protocol/muc#admin"
  /// XEP-0045
  public static let mucOwner = "http://jabber.org/protocol/muc#owner"
  /// XEP-0049
  public static let privateStorage = "jabber:iq:private"
  /// XEP-0050
  public static let commands = "http://jabber.org/protocol/commands"
  /// XEP-0054
  public static let vcard = "vcard-temp"
  /// XEP-0059
  public static let resultSets = "http://jabber.org/protocol/rsm"
  /// XEP-0060
  public static let pubsub = "http://jabber.org/protocol/pubsub"
  /// XEP-0060
  public static let pubsubEvent = "http://jabber.org/protocol/pubsub#event"
  /// XEP-0060
  public static let pubsubErrors = "http://jabber.org/protocol/pubsub#errors"
  /// XEP-0066
  public static let outOfBand = "jabber:x:oob"
  /// XEP-0071
  public static let xhtmlIM = "http://jabber.org/protocol/xhtml-im"
  /// XEP-0077
  public static let register = "jabber:iq:register"
  /// XEP-0077
  public static let registerFeature = "http://jabber.org/features/iq-register"
  /// XEP-0078
  public static let legacyAuthentication = "jabber:iq:auth"
  /// XEP-0078
  public static let legacyAuthenticationFeature = "http://jabber.org/features/iq-auth"
  /// XEP-0085
  public static let chatStates = "http://jabber.org/protocol/chatstates"
  /// XEP-0092
  public static let version = "jabber:iq:version"
  /// XEP-0114
  public static let componentAccept = "jabber:component:accept"
  /// XEP-0114
  public static let componentConnect = "jabber:component:connect"
  /// XEP-0115
  public static let capabilities = "http://jabber.org/protocol/caps"
  /// XEP-0138
  public static let compression = "http://jabber.org/protocol/compress"
  /// XEP-0138
  public static let compressionFeature = "http://jabber.org/features/compress"
  /// XEP-0158
  public static let captcha = "urn:xmpp:captcha"
  /// XEP-0184
  public static let receipts = "urn:xmpp:receipts"
  /// XEP-0191
  public static let blocking = "urn:xmpp:blocking"
  /// XEP-0198
  public static let streamManagement = "urn:xmpp:sm:3"
  /// XEP-0198
  public static let streamManagement2 = "urn:xmpp:sm:2"
  /// XEP-0199
  public static let ping = "urn:xmpp:ping"
  /// XEP-0202
  public static let time = "urn:xmpp:time"
  /// XEP-0203
  public static let delay = "urn:xmpp:delay"
  /// XEP-0091, which XEP-0203 replaced.
  public static let legacyDelay = "jabber:x:delay"
  /// XEP-0220
  public static let dialback = "jabber:server:dialback"
  /// XEP-0220
  public static let dialbackFeature = "urn:xmpp:features:dialback"
  /// XEP-0249
  public static let mucInvitation = "jabber:x:conference"
  /// XEP-0280
  public static let carbons = "urn:xmpp:carbons:2"
  /// XEP-0288
  public static let bidi = "urn:xmpp:features:bidi"
  /// XEP-0297
  public static let forward = "urn:xmpp:forward:0"
  /// XEP-0300
  public static let hashes = "urn:xmpp:hashes:2"
  /// XEP-0308
  public static let correction = "urn:xmpp:message-correct:0"
  /// XEP-0313
  public static let archive = "urn:xmpp:mam:2"
  /// XEP-0313
  public static let archiveExtended = "urn:xmpp:mam:2#extended"
  /// XEP-0333
  public static let chatMarkers = "urn:xmpp:chat-markers:0"
  /// XEP-0334
  public static let hints = "urn:xmpp:hints"
  /// XEP-0352
  public static let clientState = "urn:xmpp:csi:0"
  /// XEP-0357
  public static let push = "urn:xmpp:push:0"
  /// XEP-0359
  public static let stanzaIDs = "urn:xmpp:sid:0"
  /// XEP-0363
  public static let httpUpload = "urn:xmpp:http:upload:0"
  /// XEP-0380
  public static let encryption = "urn:xmpp:eme:0"
  /// XEP-0386
  public static let bind2 = "urn:xmpp:bind:0"
  /// XEP-0388
  public static let sasl2 = "urn:xmpp:sasl:2"
  /// XEP-0390
  public static let capabilities2 = "urn:xmpp:caps"
  /// XEP-0397
  public static let instantResumption = "https://xmpp.org/extensions/isr/0"
  /// XEP-0421
  public static let occupantIDs = "urn:xmpp:occupant-id:0"
  /// XEP-0440
  public static let channelBindings = "urn:xmpp:sasl-cb:0"
  /// XEP-0461
  public static let reply = "urn:xmpp:reply:0"
  /// XEP-0474
  public static let downgradeProtection = "urn:xmpp:ssdp:0"
  /// XEP-0478
  public static let streamLimits = "urn:xmpp:stream-limits:0"
  /// XEP-0480
  public static let scramUpgrade = "urn:xmpp:scram-upgrade:0"
  /// XEP-0480
  public static let saslUpgrade = "urn:xmpp:sasl:upgrade:0"
  /// XEP-0484
  public static let fast = "urn:xmpp:fast:0"
}
