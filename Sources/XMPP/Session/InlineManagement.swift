/// What of stream management a login by SASL2 carries along, where the server takes it there (XEP-0198 §10), and what the
/// server answers: round trips that are saved.
struct InlineManagement {
  /// Asks for the session of before.
  var resume: Element?
  /// Asks for counting, together with a new resource.
  var enable: Element?
  /// `<resumed/>` or `<failed/>`, where `resume` was sent and answered.
  private(set) var resumption: Element?
  /// `<enabled/>` or `<failed/>`, where `enable` was sent and answered.
  private(set) var enabling: Element?

  /// Leaves out what the server does not take.
  func offered(by sasl2: StreamFeature?) -> InlineManagement {
    let bind = sasl2?.inline.first { $0.element.is("bind", Namespace.bind2) }
    let takesEnable = bind?.inline.contains {
      $0.element.name.isSame(as: "feature")
        && $0.element.attribute("var")?.isSame(as: Namespace.streamManagement) == true
    }
    let takesResume = sasl2?.inline.contains { $0.element.is("sm", Namespace.streamManagement) }
    return InlineManagement(
      resume: takesResume == true ? resume : nil, enable: takesEnable == true ? enable : nil)
  }

  /// Takes the answers out of a success; what was not asked for is none.
  ///
  /// - Parameter sent: what of this was sent.
  mutating func take(_ success: Element, sent: InlineManagement) {
    if sent.resume != nil { resumption = InlineManagement.answer("resumed", in: success) }
    if sent.enable != nil, !isResumed {
      enabling = success.child("bound", Namespace.bind2).flatMap {
        InlineManagement.answer("enabled", in: $0)
      }
    }
  }

  /// Whether the session of before goes on: there is no new resource then, and no features follow.
  var isResumed: Bool { resumption?.name.isSame(as: "resumed") == true }

  private static func answer(_ name: String, in element: Element) -> Element? {
    element.child(name, Namespace.streamManagement) ?? element.child("failed", Namespace.streamManagement)
  }
}
