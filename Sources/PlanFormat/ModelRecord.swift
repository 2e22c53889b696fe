// SPDX-License-Identifier: Apache-2.0

/// What goes into a network and what comes out.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0–7 | | 0 |
/// | 8, 12 | u32 | classes (logits), features |
/// | 16 | u32 | precision, ``ElementFormat`` |
/// | 20 | u32 | height and width of the image, pixels |
/// | 24, 28 | u32 | tensors that hold features and logits |
/// | 32–95 | | 0 |
public struct ModelRecord: Equatable {
  public static var byteCount: Int { 96 }

  public var classCount, featureCount: Int
  public var precision: ElementFormat
  public var inputSize: Int
  public var featuresTensor, logitsTensor: Int

  public init(
    classCount: Int, featureCount: Int, precision: ElementFormat, inputSize: Int,
    featuresTensor: Int, logitsTensor: Int
  ) {
    self.classCount = classCount
    self.featureCount = featureCount
    self.precision = precision
    self.inputSize = inputSize
    self.featuresTensor = featuresTensor
    self.logitsTensor = logitsTensor
  }

  /// Reads a record, or returns nil if a code does not exist.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard let precision = ElementFormat(rawValue: bytes.u32(start + 16)) else { return nil }
    self.init(
      classCount: Int(bytes.u32(start + 8)), featureCount: Int(bytes.u32(start + 12)),
      precision: precision, inputSize: Int(bytes.u32(start + 20)),
      featuresTensor: Int(bytes.u32(start + 24)), logitsTensor: Int(bytes.u32(start + 28)))
  }

  /// Writes the record into `bytes`, which holds zeros.
  public func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    bytes.set(UInt32(classCount), at: start + 8)
    bytes.set(UInt32(featureCount), at: start + 12)
    bytes.set(precision.rawValue, at: start + 16)
    bytes.set(UInt32(inputSize), at: start + 20)
    bytes.set(UInt32(featuresTensor), at: start + 24)
    bytes.set(UInt32(logitsTensor), at: start + 28)
  }
}
