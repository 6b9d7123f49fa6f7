/// What a channel binding is taken from, strongest first (RFC 9266, RFC 5929).
public enum ChannelBindingType: String, Sendable, CaseIterable {
  case tlsExporter = "tls-exporter"
  case tlsUnique = "tls-unique"
  case tlsServerEndPoint = "tls-server-end-point"
}
