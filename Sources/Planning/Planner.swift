// SPDX-License-Identifier: Apache-2.0

import ResNetPlanFormat
import ResNetPlatform

/// Why no plan was made.
public enum PlanningError: Error, Equatable, CustomStringConvertible {
  /// The number of class names is not that of the logits.
  case classCount(expected: Int, found: Int)
  /// A class name holds a character that cannot be shown, as ``TextForm`` defines it.
  case className(index: Int, found: Unicode.Scalar)
  /// A line of the provenance, counted from 1, holds such a character.
  case provenance(line: Int, found: Unicode.Scalar)
  /// A weight of a layer is beyond the greatest fp16 number, 65504.
  case halfOverflow(layer: String, found: Float)
  /// The sums of a coded convolution can leave int32.
  case codedSums(layer: String)
  /// The network breaks a limit of the plan format.
  case limit(String)

  public var description: String {
    switch self {
    case .classCount(let expected, let found):
      "expected \(expected) class names, as many as the network has outputs, found \(found)"
    case .className(let index, let found):
      "class name \(index): expected \(printableText), found \(codePoint(found))"
    case .provenance(let line, let found):
      "provenance, line \(line): expected \(printableText), found \(codePoint(found))"
    case .halfOverflow(let layer, let found):
      "\(layer).weight: expected weights of at most 65504 in fp16, found \(found) after folding"
    case .codedSums(let layer):
      "\(layer): expected coded sums within int32, found greater ones; leave it with direct sums"
    case .limit(let reason): "the network does not fit a plan: \(reason)"
    }
  }
}

/// Makes plan files.
public enum Planner {
  /// Packs weights, places tensors and writes all of it as a plan file.
  ///
  /// The same arguments give the same bytes. The result has passed the checks that a session
  /// makes when it loads a plan.
  ///
  /// - **Allocates:** twice the bytes of the largest operation's weights, the plan's constants, and while
  ///   they move there the file.
  public static func plan(
    _ scheme: QuantizationScheme, _ options: PlanOptions = PlanOptions()
  ) throws(PlanningError) -> [UInt8] {
    let classNames = options.classNames
    let outputs = scheme.model.program.classCount
    guard classNames.isEmpty || classNames.count == outputs else {
      throw .classCount(expected: outputs, found: classNames.count)
    }
    for (index, name) in classNames.enumerated() {
      if let found = name.firstHiddenCharacter { throw .className(index: index, found: found) }
    }
    for (index, line) in options.provenance.split(separator: "\n", omittingEmptySubsequences: false)
      .enumerated()
    {
      if let found = String(line).firstHiddenCharacter {
        throw .provenance(line: index + 1, found: found)
      }
    }
    var builder = PlanBuilder(scheme, options)
    let file = try builder.build()
    do {
      try file.withUnsafeBytes { _ = try PlanView(validating: $0) }
    } catch {
      throw .limit("\(error)")
    }
    return file
  }
}
