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
  /// A convolution has groups, as in ResNeXt.
  case groupedConvolution(name: String, groups: Int)
  /// The network is a pre-activation ResNet: batch norm comes before the convolutions.
  case preactivation(name: String)
  /// The place of the bottlenecks' stride that was asked for is not the file's.
  case strideMismatch(expected: String, found: String)
  /// A layer does not fit into its network, or is none that can be executed.
  case unfit(layer: String, expected: String, found: String)
  /// A pooled shortcut meets an image of odd size.
  case oddPooledSize(inputSize: Int, block: String, size: Int)
  /// A batch norm's running variance is below zero.
  case negativeVariance(name: String, index: Int, found: Float)
  /// A weight or bias is too large for float32 once batch norm is folded into it.
  case nonFiniteFold(layer: String, part: String, index: Int, found: Float)

  public var description: String {
    switch self {
    case .unknownArchitecture(let name):
      let known = ResNetConfig.named.map { $0.name.lowercased() }.joined(separator: ", ")
      return "expected one of the architectures \(known), found \(quoted(name))"
    case .implausible(let what, let expected, let found):
      return "\(what): expected \(expected.lowerBound) to \(expected.upperBound), found \(found)"
    case .stageCountMismatch(let blockCounts, let channels):
      return "expected as many channel counts as there are stages (\(blockCounts)), "
        + "found \(channels)"
    case .architectureMismatch(let expected, let found):
      return "expected the tensors of \(expected), found those of \(found)"
    case .missingTensor(let name, let expected):
      return "tensor \(quoted(name)): expected shape \(expected), found no such tensor"
    case .unexpectedTensor(let name, let found, let configuration):
      return "tensor \(quoted(name)): expected no such tensor in \(configuration), "
        + "found shape \(found)"
    case .unexpectedIntegerTensor(let name, let configuration):
      return "tensor \(quoted(name)): expected no such tensor in \(configuration), "
        + "found integers"
    case .wrongShape(let name, let expected, let found):
      return "tensor \(quoted(name)): expected shape \(expected), found \(found)"
    case .notTelling(let name, let expected, let found):
      return "tensor \(quoted(name)): expected shape \(expected), "
        + "found \(found.map { "\($0)" } ?? "no such tensor")"
    case .groupedConvolution(let name, let groups):
      return "tensor \(quoted(name)): expected a convolution of all channels, "
        + "found one of \(groups) groups: this is a ResNeXt, which is not supported"
    case .preactivation(let name):
      return
        "tensor \(quoted(name)): expected batch norm behind each convolution, found it before: "
        + "this is a pre-activation ResNet, which is not supported"
    case .strideMismatch(let expected, let found):
      return "expected the stride of bottlenecks in the \(expected) convolution, "
        + "found it in the \(found)"
    case .unfit(let layer, let expected, let found):
      return "layer \(quoted(layer)): expected \(expected), found \(found)"
    case .oddPooledSize(let inputSize, let block, let size):
      return "input size \(inputSize): expected an even size before the average pool of "
        + "\(quoted(block))'s shortcut, found \(size) (multiples of 32 are even throughout)"
    case .negativeVariance(let name, let index, let found):
      return "tensor \(quoted(name)), element \(index): expected a variance of 0 or more, "
        + "found \(found)"
    case .nonFiniteFold(let layer, let part, let index, let found):
      return
        "layer \(quoted(layer)), \(part) \(index): expected a finite value after folding batch norm, "
        + "found \(found)"
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
