// SPDX-License-Identifier: Apache-2.0

/// Why a checkpoint is not the ResNet it should be: what was expected, what was found, and
/// which tensor or layer.
///
/// `description` is one line; names out of the file appear in quotes with control characters
/// escaped.
public enum GraphError: Error, Equatable, Sendable, CustomStringConvertible {
  /// No architecture has this name.
  case unknownArchitecture(name: String)
  /// A number of the configuration is outside its range.
  case implausible(what: String, expected: ClosedRange<Int>, found: Int)
  /// As many stage widths as stages are needed.
  case stageCountMismatch(blockCounts: Int, channels: Int)
  /// The checkpoint is of another architecture than the one asked for.
  case architectureMismatch(expected: String, found: String)
  /// A tensor of the configuration is not in the checkpoint.
  case missingTensor(name: String, expected: [Int])
  /// The checkpoint has a tensor that the configuration has not.
  case unexpectedTensor(name: String, found: [Int], configuration: String)
  /// The checkpoint has an integer tensor that the configuration has not.
  case unexpectedIntegerTensor(name: String, configuration: String)
  /// A tensor has the wrong dimensions.
  case wrongShape(name: String, expected: [Int], found: [Int])
  /// A tensor from which the configuration is read is absent (`found` is nil) or has the wrong
  /// number of dimensions.
  case notTelling(name: String, expected: String, found: [Int]?)
  /// The place of the bottlenecks' stride that was asked for is not the file's.
  case strideMismatch(expected: String, found: String)
  /// What was asked for is not what the file's network has or can have.
  case optionMismatch(option: String, expected: String, found: String)
  /// The network has no value of the name that an output was asked for by.
  case unknownOutput(name: String, known: [String])
  /// An output was asked for twice.
  case repeatedOutput(name: String)
  /// A layer does not fit into its network, or is none that can be executed.
  case unfit(layer: String, expected: String, found: String)
  /// A batch norm's running variance is below zero.
  case negativeVariance(name: String, index: Int, found: Float)
  /// A weight or bias is too large for float32 once batch norm is folded into it.
  case nonFiniteFold(layer: String, part: String, index: Int, found: Float)

  public var description: String {
    let (subject, expected, found) = words
    return (subject.map { "\($0): " } ?? "") + "expected \(expected), found \(found)"
  }

  private var words: (subject: String?, expected: String, found: String) {
    func tensor(_ name: String) -> String { "tensor \(quoted(name))" }
    switch self {
    case .unknownArchitecture(let name):
      let known = ResNetConfig.named.map { $0.name.lowercased() }.joined(separator: ", ")
      return (nil, "one of the architectures \(known)", quoted(name))
    case .implausible(let what, let range, let found):
      return (what, "\(range.lowerBound) to \(range.upperBound)", "\(found)")
    case .stageCountMismatch(let stages, let found):
      return (nil, "as many channel counts as there are stages (\(stages))", "\(found)")
    case .architectureMismatch(let expected, let found):
      return (nil, "the tensors of \(expected)", "those of \(found)")
    case .missingTensor(let name, let shape):
      return (tensor(name), "shape \(shape)", "no such tensor")
    case .unexpectedTensor(let name, let shape, let configuration):
      return (tensor(name), "no such tensor in \(configuration)", "shape \(shape)")
    case .unexpectedIntegerTensor(let name, let configuration):
      return (tensor(name), "no such tensor in \(configuration)", "integers")
    case .wrongShape(let name, let shape, let found):
      return (tensor(name), "shape \(shape)", "\(found)")
    case .notTelling(let name, let shape, let found):
      return (tensor(name), "shape \(shape)", found.map { "\($0)" } ?? "no such tensor")
    case .strideMismatch(let place, let found):
      return (nil, "the stride of bottlenecks in the \(place) convolution", "it in the \(found)")
    case .optionMismatch(let option, let expected, let found): return (option, expected, found)
    case .unknownOutput(let name, let known):
      let some = known.prefix(12).map { quoted($0) }.joined(separator: ", ")
      let rest = known.count > 12 ? " and \(known.count - 12) others" : ""
      return (nil, "an output of the network, such as \(some)\(rest)", quoted(name))
    case .repeatedOutput(let name): return (nil, "each output once", "\(quoted(name)) again")
    case .unfit(let layer, let expected, let found):
      return ("layer \(quoted(layer))", expected, found)
    case .negativeVariance(let name, let index, let found):
      return ("\(tensor(name)), element \(index)", "a variance of 0 or more", "\(found)")
    case .nonFiniteFold(let layer, let part, let index, let found):
      let subject = "layer \(quoted(layer)), \(part) \(index)"
      return (subject, "a finite value after folding batch norm", "\(found)")
    }
  }
}

/// Text out of a file in quotes, on one line and of bounded length, so that a hostile name can
/// neither forge a second line nor send control sequences to a terminal.
package func quoted(_ text: String) -> String {
  var result = "\""
  for (count, scalar) in text.unicodeScalars.enumerated() {
    if count == 100 {
      result += "…"
      break
    }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned:
      result += "\\u{\(String(scalar.value, radix: 16))}"
    default:
      if scalar == "\"" || scalar == "\\" { result += "\\" }
      result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
