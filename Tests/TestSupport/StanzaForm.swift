import XMPP

/// A stanza in a form that can be made of the stanza and of its JSON line, and so be compared: what stands in no order
/// (attributes, children of the stanza, parts of an error) is sorted, and white space between such children left out.
public struct StanzaForm: Equatable {
  private var kind: [UInt8]
  private var attributes: [[UInt8]]
  private var children: [[UInt8]]
  private var text: [UInt8]

  /// From the wire.
  public init(_ stanza: Stanza) {
    kind = Array(stanza.kind.rawValue.utf8)
    attributes = stanza.element.attributes.map { form($0) }
    if stanza.element.attribute("type") == nil, stanza.kind != .iq {
      attributes.append(form("type", Array(stanza.type.utf8)))
    }
    children = stanza.element.elements.map { form($0) }
    let text = Array(stanza.element.text.utf8)
    self.text = text.allSatisfy(isSpace) ? [] : text
    sort()
  }

  /// From the line.
  public init(line: StrictJSON) {
    kind = line["stanza"]?.bytes ?? []
    attributes = form(attributesOf: line, ["type", "id", "from", "to"])
    if let value = line["lang"]?.bytes { attributes.append(form("xml:lang", value)) }

    children = []
    for (key, list) in [("subject", "subjects"), ("body", "bodies"), ("status", "statuses")] {
      let all = line[list].map(\.elements) ?? line[key].map { [$0] } ?? []
      for text in all { children.append(form(text: text, named: key, Namespace.client)) }
    }
    for key in ["thread", "show"] {
      if let text = line[key] { children.append(form(text: text, named: key, Namespace.client)) }
    }
    if case .number(let number)? = line["priority"] {
      children.append(form(text: .string(Array(number.utf8)), named: "priority", Namespace.client))
    }
    if let delay = line["delay"] {
      let content = delay["reason"]?.bytes.map { [form(text: $0)] } ?? []
      children.append(form("delay", Namespace.delay, form(attributesOf: delay, ["stamp", "from"]), content))
    }
    if let error = line["error"] { children.append(form(error: error)) }
    children += (line["payload"]?.elements ?? []).map { form(json: $0) }
    text = line["text"]?.bytes ?? []
    sort()
  }

  private mutating func sort() {
    attributes.sort { $0.lexicographicallyPrecedes($1) }
    children.sort { $0.lexicographicallyPrecedes($1) }
  }
}

// What is written between the parts is nothing that XML can hold.

private func form(_ name: String, _ value: [UInt8]) -> [UInt8] { Array(name.utf8) + [1] + value }

private func form(text: [UInt8]) -> [UInt8] { [2] + text + [3] }

private func form(
  _ name: some Sequence<UInt8>, _ namespace: some Sequence<UInt8>, _ attributes: [[UInt8]],
  _ children: [[UInt8]]
) -> [UInt8] {
  var children = children
  // The parts of an error have keys, and so no order; and the one condition that means nothing may as well not be there.
  if name.elementsEqual("error".utf8), namespace.elementsEqual(Namespace.client.utf8) {
    let text = children.filter { $0.first == 2 }.flatMap { $0.dropFirst().dropLast() }
    children.removeAll { $0.first == 2 }
    if !text.allSatisfy(isSpace) { children.append(form(text: text)) }
    let nothing = form("undefined-condition", Namespace.stanzaErrors, [], [])
    children.removeAll { $0 == nothing }
    children.sort { $0.lexicographicallyPrecedes($1) }
  }
  let sorted = attributes.sorted { $0.lexicographicallyPrecedes($1) }
  return [4] + Array(name) + [5] + Array(namespace) + [6] + Array(sorted.joined(separator: [6])) + [7]
    + Array(children.joined()) + [8]
}

private func form(_ name: String, _ namespace: String, _ attributes: [[UInt8]], _ children: [[UInt8]])
  -> [UInt8]
{
  form(name.utf8, namespace.utf8, attributes, children)
}

private func form(_ attribute: Attribute) -> [UInt8] {
  let name =
    switch attribute.namespace {
    case "": attribute.name
    case Namespace.xml: "xml:\(attribute.name)"
    default: "{\(attribute.namespace)}\(attribute.name)"
    }
  return form(name, attribute.withUTF8 { Array($0) })
}

private func form(_ element: Element) -> [UInt8] {
  let children = element.children.map { child in
    switch child {
    case .element(let element): form(element)
    case .text(let text): form(text: text.withUTF8 { Array($0) })
    }
  }
  return form(element.name, element.namespace, element.attributes.map { form($0) }, children)
}

private func form(json: StrictJSON) -> [UInt8] {
  if let text = json.bytes { return form(text: text) }
  // What is very deep is shown as XML.
  if let xml = json["xml"]?.bytes { return element(xml).map { form($0) } ?? [] }
  var children = (json["children"]?.elements ?? []).map { form(json: $0) }
  if let text = json["text"]?.bytes { children.append(form(text: text)) }
  return form(
    json["name"]?.bytes ?? [], json["namespace"]?.bytes ?? [], form(attributesOf: json, []), children)
}

/// The attributes in `attrs`, and those that have these keys of their own.
private func form(attributesOf json: StrictJSON, _ keys: [String]) -> [[UInt8]] {
  (json["attrs"]?.members ?? []).map { $0.name + [1] + ($0.value.bytes ?? []) }
    + keys.compactMap { key in json[key]?.bytes.map { form(key, $0) } }
}

/// A text by itself, or with its language.
private func form(text json: StrictJSON, named name: String, _ namespace: String) -> [UInt8] {
  let text = json.bytes ?? json["text"]?.bytes ?? []
  return form(
    name, namespace, json["lang"]?.bytes.map { [form("xml:lang", $0)] } ?? [],
    text.isEmpty ? [] : [form(text: text)])
}

private func form(error: StrictJSON) -> [UInt8] {
  let payload = error["payload"]?.elements ?? []
  var children = payload.map { form(json: $0) }
  let condition = error["condition"]?.bytes ?? []
  let isInPayload = payload.contains {
    $0["name"]?.bytes == condition && $0["namespace"]?.bytes == Array(Namespace.stanzaErrors.utf8)
  }
  if !isInPayload { children.append(form(condition, Namespace.stanzaErrors.utf8, [], [])) }
  if let text = error["other_text"]?.bytes { children.append(form(text: text)) }
  if error["text"] != nil { children.append(form(text: error, named: "text", Namespace.stanzaErrors)) }
  return form("error", Namespace.client, form(attributesOf: error, ["type", "by"]), children)
}

private func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }

/// The one element of some XML.
private func element(_ xml: [UInt8]) -> Element? {
  var parser = StreamParser(insideStreamOf: "")
  var used = 0
  guard case .element(let element)? = xml.withUnsafeBytes({ try? parser.next($0, &used) }), used == xml.count
  else { return nil }
  return element
}
