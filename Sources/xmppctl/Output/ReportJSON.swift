import XMPP

extension Report {
  /// The whole report as one JSON object, as xmppctl-json(5) describes it.
  ///
  /// - Parameter drain: takes all but the rest of it, which is returned, in pieces; without it all is returned.
  func json(indented: Bool, drain: (([UInt8]) -> Void)? = nil) -> [UInt8] {
    var json = JSONWriter(indents: indented, drain: drain)
    json.object { json in
      json.member("ok", failure == nil)
      json.member("domain", domain.isEmpty ? nil : domain)
      if let endpoint {
        json.key("endpoint")
        endpoint.write(to: &json, address: address)
      }
      json.key("attempts")
      json.array(attempts) { $1.write(to: &$0) }
      if !redirections.isEmpty {
        json.key("redirects")
        json.array(redirections) { $1.write(to: &$0) }
      }
      if let tls {
        json.key("tls")
        tls.write(to: &json, certificate: certificate)
      }
      json.key("stages")
      json.array(stages) { $1.write(to: &$0) }
      if let authentication {
        json.key("auth")
        authentication.write(to: &json)
      }
      json.member("jid", jid?.full)
      if let session {
        json.key("session")
        session.write(to: &json)
      }
      if let compressionRatio {
        json.key("compression")
        json.object { json in
          json.member("method", "zlib")
          json.key("ratio")
          json.value(tenths: compressionRatio)
        }
      }
      json.key("timings")
      timings.write(to: &json)
      if let failure {
        json.key("error")
        failure.write(to: &json)
      }
    }
    json.endLine()
    return json.bytes
  }
}

extension Endpoint {
  fileprivate func write(to json: inout JSONWriter, address: String?) {
    json.object { json in write(membersTo: &json, address: address) }
  }

  fileprivate func write(membersTo json: inout JSONWriter, address: String?) {
    json.member("host", host)
    json.member("port", Int(port))
    json.member("address", address)
    json.member("method", method.rawValue)
    json.member("source", source.rawValue)
    json.member("priority", priority.map(Int.init))
    json.member("weight", weight.map(Int.init))
  }
}

extension Attempt {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("ok", failure == nil)
      endpoint.write(membersTo: &json, address: address)
      json.key("timings")
      timings.write(to: &json)
      if let tls {
        json.key("tls")
        tls.write(to: &json, certificate: certificate)
      }
      if let failure {
        json.key("error")
        failure.write(to: &json)
      }
    }
  }
}

extension Redirection {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("from", source.place)
      json.member("target", target)
      json.member("followed", refusal == nil)
      json.member("reason", refusal)
    }
  }
}

extension AuthenticationReport {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("offered", offered)
      json.member("mechanism", mechanism)
      json.member("channel_binding", channelBinding?.rawValue)
      json.key("skipped")
      json.array(skipped) { json, entry in
        json.object { json in
          json.member("mechanism", entry.mechanism)
          json.member("reason", entry.reason)
        }
      }
      json.member("sasl2", usesSASL2)
      json.member("server_authenticated", isServerAuthenticated)
    }
  }
}

extension SessionReport {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("stream_management", streamManagement.rawValue)
      json.member("resume_seconds", resumeSeconds)
      json.member("resume_location", resumeLocation)
    }
  }
}

extension Timings {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      for part in Part.allCases {
        guard let milliseconds = self[part] else { continue }
        json.key(part.rawValue)
        json.value(tenths: milliseconds)
      }
    }
  }
}

extension Failure {
  /// The failure as a JSON object.
  func write(to json: inout JSONWriter) {
    let hint = Hints().applied(to: self).hint
    json.object { json in
      json.member("stage", stage.rawValue)
      json.member("condition", condition)
      json.member("message", message)
      json.member("code", Int(status.rawValue))
      json.member("hint", hint)
    }
  }
}

extension StreamStage {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("stage", kind.rawValue)
      json.key("stream")
      json.object { json in
        json.member("id", header.id)
        json.member("from", header.from)
        json.member("to", header.to)
        json.member("version", header.version)
        json.member("lang", header.language)
      }
      if let features {
        json.key("features")
        json.array(features.all) { $1.write(to: &$0) }
      }
    }
  }
}

extension StreamFeature {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("name", name)
      json.member("namespace", namespace)
      json.member("title", title)
      json.member("spec", specification)
      json.member("required", required)
      if !values.isEmpty { json.member("values", values) }
      if !proprietary.isEmpty {
        json.key("proprietary")
        json.array(proprietary) { json, entry in
          json.object { json in
            json.member("mechanism", entry.mechanism)
            json.member("owner", entry.owner)
          }
        }
      }
      if !inline.isEmpty {
        json.key("inline")
        json.array(inline) { $1.write(to: &$0) }
      }
      json.member("xml", element.xml)
    }
  }
}

extension TLSDescription {
  fileprivate func write(to json: inout JSONWriter, certificate: CertificateDescription?) {
    json.object { json in
      json.member("version", version)
      json.member("cipher", cipher)
      json.member("group", group)
      json.member("alpn", alpn)
      json.member("channel_bindings", channelBindings.map(\.rawValue))
      if let certificate {
        json.key("certificate")
        certificate.write(to: &json)
      }
    }
  }
}

extension CertificateDescription {
  fileprivate func write(to json: inout JSONWriter) {
    json.object { json in
      json.member("verified", verified)
      json.member("reference", reference)
      json.member("matched", matched)
      leaf.write(membersTo: &json)
      json.key("names")
      json.array(names) { json, name in
        json.object { json in
          json.member("kind", name.kind.rawValue)
          json.member("value", name.value)
        }
      }
      json.member("days_left", Int(daysLeft))
      json.member("expires_first", expiresFirst)
      json.member("spki_sha256", spkiSHA256)
      json.key("chain")
      json.array(chain) { json, summary in json.object { summary.write(membersTo: &$0) } }
      json.member("reason", reason)
      json.member("message", message)
    }
  }
}

extension CertificateSummary {
  fileprivate func write(membersTo json: inout JSONWriter) {
    json.member("subject", subject)
    json.member("issuer", issuer)
    json.member("not_before", Timestamp.text(seconds: notBefore))
    json.member("not_after", Timestamp.text(seconds: notAfter))
    json.member("sha256", sha256)
  }
}
