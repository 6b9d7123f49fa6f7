import Foundation

/// A JSON document to be looked at: what is not there is `null`, so that a test can go on to its expectation.
public enum JSON: Equatable, Sendable {
  case null
  case boolean(Bool)
  case number(Double)
  case string(String)
  case array([JSON])
  case object([String: JSON])

  /// Reads all that a program printed.
  public init(_ outcome: Outcome) throws { try self.init(Data(outcome.outputBytes)) }

  /// Reads a document.
  public init(_ data: Data) throws {
    self.init(value: try JSONSerialization.jsonObject(with: data, options: .fragmentsAllowed))
  }

  private init(value: Any) {
    self =
      switch value {
      case let number as NSNumber where isBoolean(number): .boolean(number.boolValue)
      case let number as NSNumber: .number(number.doubleValue)
      case let text as String: .string(text)
      case let array as [Any]: .array(array.map(JSON.init(value:)))
      case let object as [String: Any]: .object(object.mapValues(JSON.init(value:)))
      default: .null
      }
  }

  /// A member of an object.
  public subscript(key: String) -> JSON {
    if case .object(let members) = self { members[key] ?? .null } else { .null }
  }

  /// An element of an array.
  public subscript(index: Int) -> JSON {
    if case .array(let elements) = self, elements.indices.contains(index) { elements[index] } else { .null }
  }

  /// What is made of each element of an array; none where it is no array.
  public func map<Value>(_ transform: (JSON) throws -> Value) rethrows -> [Value] {
    if case .array(let elements) = self { try elements.map(transform) } else { [] }
  }
}

/// Foundation keeps truth values as numbers of one byte.
private func isBoolean(_ number: NSNumber) -> Bool { String(cString: number.objCType) == "c" }

extension JSON: ExpressibleByStringLiteral, ExpressibleByBooleanLiteral, ExpressibleByFloatLiteral,
  ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
  /// True or false.
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  /// A number.
  public init(floatLiteral value: Double) { self = .number(value) }
  /// A whole number.
  public init(integerLiteral value: Int) { self = .number(Double(value)) }
  /// An array.
  public init(arrayLiteral elements: JSON...) { self = .array(elements) }
  /// An object; of two members of one name the second counts.
  public init(dictionaryLiteral elements: (String, JSON)...) { self = .object(Dictionary(elements) { $1 }) }
}
