// SPDX-License-Identifier: Apache-2.0

/// A validated plan in memory that somebody else owns.
///
/// Every count, offset, size and shape has been checked when a view exists: whatever the records
/// say, steps stay within the arena, the constants and the image.
///
/// - **Allocates:** nothing; the view points into the bytes it was made of, which must outlive it.
public struct PlanView {
  /// The whole file.
  public let bytes: UnsafeRawBufferPointer
  /// The network.
  public let model: ModelRecord
  /// The preprocessing.
  public let preprocessing: PreprocessingRecord
  /// Bytes of the arena that holds all tensors.
  public let arenaByteCount: Int
  /// Bytes of scratch memory for each thread.
  public let scratchByteCount: Int
  /// Bytes of transformed weights that a session makes.
  public let loadTimeByteCount: Int
  /// The number of tensors.
  public let tensorCount: Int
  /// The number of steps.
  public let stepCount: Int
  /// The number of outputs.
  public let outputCount: Int
  /// The tensors of the pooled features and of the logits.
  public let featuresTensor, logitsTensor: Int
  /// The numbers of pooled features and of logits.
  public private(set) var featureCount = 0
  public private(set) var classCount = 0
  /// Packed weights, biases and multipliers.
  public let constants: UnsafeRawBufferPointer

  private let tensorBytes, stepBytes, outputBytes: UnsafeRawBufferPointer
  private let strings, classNames, provenanceText: UnsafeRawBufferPointer

  /// Reads and validates a plan.
  ///
  /// - Parameter bytes: the file, starting at a multiple of 64, as a mapping does.
  /// - Throws: ``PlanError`` with the first rule that is broken.
  /// - Complexity: O(bytes) for the checksums and O(tensors²) for the overlap check.
  public init(validating bytes: UnsafeRawBufferPointer) throws(PlanError) {
    let header = try PlanHeader(verifying: bytes)
    self.bytes = bytes
    arenaByteCount = header.arenaByteCount
    scratchByteCount = header.scratchByteCount
    loadTimeByteCount = header.loadTimeByteCount
    let modelBytes = PlanHeader.section(.model, of: bytes)
    guard modelBytes.count == ModelRecord.byteCount, let model = ModelRecord(modelBytes, at: 0)
    else { throw .section(.model, "a record of 64 bytes with zeros in reserved bytes") }
    self.model = model
    let preprocessingBytes = PlanHeader.section(.preprocessing, of: bytes)
    guard preprocessingBytes.count == PreprocessingRecord.byteCount,
      let preprocessing = PreprocessingRecord(preprocessingBytes, at: 0)
    else { throw .section(.preprocessing, "a record of 64 bytes with known codes") }
    self.preprocessing = preprocessing
    strings = try PlanView.text(PlanHeader.section(.strings, of: bytes), .strings)
    classNames = try PlanView.text(PlanHeader.section(.classes, of: bytes), .classes)
    provenanceText = try PlanView.text(PlanHeader.section(.provenance, of: bytes), .provenance)
    constants = PlanHeader.section(.constants, of: bytes)
    tensorBytes = PlanHeader.section(.tensors, of: bytes)
    stepBytes = PlanHeader.section(.steps, of: bytes)
    outputBytes = PlanHeader.section(.outputs, of: bytes)
    tensorCount = tensorBytes.count / TensorRecord.byteCount
    stepCount = stepBytes.count / StepRecord.byteCount
    guard tensorBytes.count % TensorRecord.byteCount == 0, 1...1024 ~= tensorCount
    else { throw .section(.tensors, "1 to 1024 records of 64 bytes") }
    guard stepBytes.count % StepRecord.byteCount == 0, 1...1024 ~= stepCount
    else { throw .section(.steps, "1 to 1024 records of 192 bytes") }
    outputCount = outputBytes.count / OutputRecord.byteCount
    guard outputBytes.count % OutputRecord.byteCount == 0, 1...64 ~= outputCount
    else { throw .section(.outputs, "1 to 64 records of 32 bytes") }
    featuresTensor = try PlanView.tensor(of: .features, outputBytes)
    logitsTensor = try PlanView.tensor(of: .logits, outputBytes)
    try validate()
    featureCount = tensor(featuresTensor).usedChannels
    classCount = tensor(logitsTensor).usedChannels
  }

  private static func tensor(of role: OutputRecord.Role, _ bytes: UnsafeRawBufferPointer)
    throws(PlanError) -> Int
  {
    var found: Int?
    for start in stride(from: 0, to: bytes.count, by: OutputRecord.byteCount) {
      guard let output = OutputRecord(bytes, at: start) else {
        throw .section(.outputs, "known roles and zeros in reserved bytes")
      }
      guard output.role == role else { continue }
      guard found == nil else { throw .section(.outputs, "features and logits, each once") }
      found = output.tensor
    }
    guard let found else { throw .section(.outputs, "features and logits, each once") }
    return found
  }

  /// The record of a tensor; `index` is below ``tensorCount``.
  public func tensor(_ index: Int) -> TensorRecord {
    TensorRecord(tensorBytes, at: index * TensorRecord.byteCount)!
  }

  /// The record of a step; `index` is below ``stepCount``.
  public func step(_ index: Int) -> StepRecord {
    StepRecord(stepBytes, at: index * StepRecord.byteCount)!
  }

  /// The record of an output; `index` is below ``outputCount``.
  public func output(_ index: Int) -> OutputRecord {
    OutputRecord(outputBytes, at: index * OutputRecord.byteCount)!
  }

  /// The arithmetic of most multiplications.
  public var mainArithmetic: Arithmetic {
    var main = step(0)
    for index in 1..<stepCount where step(index).multiplications > main.multiplications {
      main = step(index)
    }
    return main.arithmetic
  }

  /// Reads a tensor record that has not been validated yet.
  func rawTensor(_ index: Int) -> TensorRecord? {
    TensorRecord(tensorBytes, at: index * TensorRecord.byteCount)
  }

  /// Reads a step record that has not been validated yet.
  func rawStep(_ index: Int) -> StepRecord? {
    StepRecord(stepBytes, at: index * StepRecord.byteCount)
  }

  /// The name at an offset of the strings: UTF-8, ended by a zero byte.
  public func name(_ offset: Int) -> UnsafePointer<CChar> {
    (strings.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
  }

  var stringsByteCount: Int { strings.count }

  /// Lines of `key: value` about the plan's origin, ended by a zero byte.
  public var provenance: UnsafePointer<CChar> {
    provenanceText.baseAddress!.assumingMemoryBound(to: CChar.self)
  }

  /// Whether the plan names its classes.
  public var hasClassNames: Bool { classNames.count > 1 }

  /// The name of a class, or nil if the plan has no names.
  ///
  /// - Complexity: O(bytes of the names before it).
  public func className(_ index: Int) -> UnsafeBufferPointer<UInt8>? {
    guard hasClassNames else { return nil }
    var start = 0
    for _ in 0..<index {
      while classNames[start] != 0 { start += 1 }
      start += 1
    }
    var end = start
    while classNames[end] != 0 { end += 1 }
    return UnsafeBufferPointer(
      start: (classNames.baseAddress! + start).assumingMemoryBound(to: UInt8.self),
      count: end - start)
  }

  var classNameCount: Int {
    var count = 0
    if hasClassNames { for byte in classNames where byte == 0 { count += 1 } }
    return count
  }

  private static func text(_ bytes: UnsafeRawBufferPointer, _ section: PlanSection)
    throws(PlanError) -> UnsafeRawBufferPointer
  {
    guard let last = bytes.last, last == 0 else {
      throw .section(section, "text ended by a zero byte")
    }
    return bytes
  }
}
