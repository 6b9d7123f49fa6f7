/// A JSON value of any kind, for input whose keys are checked one by one.
enum JSONValue: Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Reads JSON5.
  ///
  /// - Throws: where it is malformed or nested too deep.
  init(json5 bytes: [UInt8]) throws(JSON5Reader.Malformed) { self = try JSON5Reader.read(bytes) }

  /// What it is, to complete "must be a string, not …".
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "true or false"
    case .number: "a number"
    case .string: "a string"
    case .array: "an array"
    case .object: "an object"
    }
  }
}
