// SPDX-License-Identifier: Apache-2.0

/// How the elements of a tensor are stored.
public enum ActivationFormat: UInt8, Sendable {
  /// uint8 with a scale and a zero point.
  case uint8 = 0
  case float32 = 1

  /// Bytes of an element.
  public var byteCount: Int {
    switch self {
    case .uint8: 1
    case .float32: 4
    }
  }
}
