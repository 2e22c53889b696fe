// SPDX-License-Identifier: Apache-2.0

/// The network a plan was made of.
///
/// | bytes | type | field |
/// |---|---|---|
/// | 0 | u32 | block: 0 BasicBlock, 1 Bottleneck |
/// | 4 | u32 | number of stages, 1…8 |
/// | 8, 12 | u32 | classes (logits), features |
/// | 16 | u32 | precision, ``ElementFormat`` |
/// | 20 | u32 | height and width of the image, pixels |
/// | 24, 28 | u32 | tensors that hold features and logits |
/// | 32 + 4 s | u32 | blocks in stage s |
/// | 64 + 4 s | u32 | channels of stage s |
public struct ModelRecord: Equatable {
  public static var byteCount: Int { 96 }
  public static var maximumStages: Int { 8 }

  public var isBottleneck: Bool
  public var stageCount: Int
  public var classCount, featureCount: Int
  public var precision: ElementFormat
  public var inputSize: Int
  public var featuresTensor, logitsTensor: Int
  public var blockCounts = InlineArray<8, UInt32>(repeating: 0)
  public var channels = InlineArray<8, UInt32>(repeating: 0)

  public init(
    isBottleneck: Bool, stageCount: Int, classCount: Int, featureCount: Int,
    precision: ElementFormat, inputSize: Int, featuresTensor: Int, logitsTensor: Int
  ) {
    self.isBottleneck = isBottleneck
    self.stageCount = stageCount
    self.classCount = classCount
    self.featureCount = featureCount
    self.precision = precision
    self.inputSize = inputSize
    self.featuresTensor = featuresTensor
    self.logitsTensor = logitsTensor
  }

  public static func == (a: ModelRecord, b: ModelRecord) -> Bool {
    for stage in 0..<maximumStages
    where a.blockCounts[stage] != b.blockCounts[stage] || a.channels[stage] != b.channels[stage] {
      return false
    }
    return a.isBottleneck == b.isBottleneck && a.stageCount == b.stageCount
      && a.classCount == b.classCount && a.featureCount == b.featureCount
      && a.precision == b.precision && a.inputSize == b.inputSize
      && a.featuresTensor == b.featuresTensor && a.logitsTensor == b.logitsTensor
  }

  /// Reads a record, or returns nil if a code does not exist.
  init?(_ bytes: UnsafeRawBufferPointer, at start: Int) {
    guard bytes.u32(start) <= 1, let precision = ElementFormat(rawValue: bytes.u32(start + 16))
    else { return nil }
    self.init(
      isBottleneck: bytes.u32(start) == 1, stageCount: Int(bytes.u32(start + 4)),
      classCount: Int(bytes.u32(start + 8)), featureCount: Int(bytes.u32(start + 12)),
      precision: precision, inputSize: Int(bytes.u32(start + 20)),
      featuresTensor: Int(bytes.u32(start + 24)), logitsTensor: Int(bytes.u32(start + 28)))
    for stage in 0..<ModelRecord.maximumStages {
      blockCounts[stage] = bytes.u32(start + 32 + 4 * stage)
      channels[stage] = bytes.u32(start + 64 + 4 * stage)
    }
  }

  /// Writes the record into `bytes`, which holds zeros.
  public func write(to bytes: UnsafeMutableRawBufferPointer, at start: Int) {
    bytes.set(UInt32(isBottleneck ? 1 : 0), at: start)
    bytes.set(UInt32(stageCount), at: start + 4)
    bytes.set(UInt32(classCount), at: start + 8)
    bytes.set(UInt32(featureCount), at: start + 12)
    bytes.set(precision.rawValue, at: start + 16)
    bytes.set(UInt32(inputSize), at: start + 20)
    bytes.set(UInt32(featuresTensor), at: start + 24)
    bytes.set(UInt32(logitsTensor), at: start + 28)
    for stage in 0..<ModelRecord.maximumStages {
      bytes.set(blockCounts[stage], at: start + 32 + 4 * stage)
      bytes.set(channels[stage], at: start + 64 + 4 * stage)
    }
  }
}
