// SPDX-License-Identifier: Apache-2.0

/// How the weights of a layer are stored.
public enum WeightFormat: UInt8, Sendable {
  /// Symmetric int8, -127…127, with one scale for each output channel.
  case int8 = 0
  /// IEEE 754 binary16.
  case float16 = 1
  case float32 = 2

  /// Bytes of a weight.
  public var byteCount: Int {
    switch self {
    case .int8: 1
    case .float16: 2
    case .float32: 4
    }
  }

  /// The name in listings.
  public var name: StaticString {
    switch self {
    case .int8: "int8"
    case .float16: "fp16"
    case .float32: "fp32"
    }
  }
}

#if !hasFeature(Embedded)
  // The list of all cases is an array, which needs the heap.
  extension WeightFormat: CaseIterable {}
#endif
