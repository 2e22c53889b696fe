// SPDX-License-Identifier: Apache-2.0

/// The sections of a plan, in file order.
public enum PlanSection: UInt32, Sendable {
  /// One ``ModelRecord``.
  case model
  /// One ``PreprocessingRecord``.
  case preprocessing
  /// Names, each ended by a zero byte; records refer to them by byte offset.
  case strings
  /// The class names in the order of the logits, each ended by a zero byte; empty if there are none.
  case classes
  /// Lines of `key: value`, ended by a zero byte.
  case provenance
  /// ``TensorRecord``s.
  case tensors
  /// ``StepRecord``s in the order of execution.
  case steps
  /// ``OutputRecord``s.
  case outputs
  /// Packed weights, biases and multipliers, shifts and factors of coded convolutions, and directions of classes;
  /// records refer to them by byte offset.
  case constants

  /// The name in messages.
  public var name: StaticString {
    let names: InlineArray<9, StaticString> = [
      "model", "preprocessing", "strings", "classes", "provenance", "tensors", "steps", "outputs",
      "constants",
    ]
    return names[Int(rawValue)]
  }
}
