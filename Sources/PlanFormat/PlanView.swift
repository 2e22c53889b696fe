// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
import ResNetPlatform

/// A validated plan in memory that somebody else owns.
///
/// Every count, offset, size and shape has been checked when a view exists: whatever the records
/// say, steps stay within the arena, the constants and the image.
///
/// - **Allocates:** nothing; the view points into the bytes it was made of, which must outlive it.
public struct PlanView {
  /// The whole file, which somebody may change: not to be trusted.
  package let file: UnsafeRawBufferPointer
  /// Bytes of the whole file.
  public var byteCount: Int { file.count }
  /// What tells the file from others: the checksum of its header, which has those of all sections.
  public let checksum: UInt32
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
  /// The tensors of the pooled features and of the logits; nil of a plan without such an output.
  public let featuresTensor, logitsTensor: Int?
  /// The numbers of pooled features and of logits; 0 without them.
  public private(set) var featureCount = 0
  public private(set) var classCount = 0
  /// Packed weights, biases and multipliers.
  public let constants: UnsafeRawBufferPointer

  let tensors: RecordList<TensorRecord>
  let steps: RecordList<StepRecord>
  private let outputs: RecordList<OutputRecord>
  let strings, classNames, provenanceText: UnsafeRawBufferPointer

  /// Reads and validates a plan.
  ///
  /// - Parameter file: the file, starting at a multiple of 64, as a mapping does; it does not change.
  /// - Throws: ``PlanError`` with the first rule that is broken.
  /// - Complexity: O(bytes) for the checksums and O(tensors²) for the overlap check.
  public init(validating file: UnsafeRawBufferPointer) throws(PlanError) {
    let head = file.prefix(PlanView.headByteCount(of: file))
    try self.init(validating: UnsafeRawBufferPointer(rebasing: head), constantsOf: file)
  }

  /// The bytes of a file that ``init(validating:constantsOf:)`` takes as its start: all before the constants.
  /// The file may be damaged and may change.
  public static func headByteCount(of file: UnsafeRawBufferPointer) -> Int {
    PlanHeader.headByteCount(of: file)
  }

  /// Reads and validates a plan whose file somebody may change while the view is used.
  ///
  /// Everything that is an address, a size or a text comes from `bytes`, a copy. From the file come weights,
  /// biases and multipliers, which decide over results only.
  ///
  /// - Parameters:
  ///   - bytes: a copy of the first ``headByteCount(of:)`` bytes of the file, which does not change.
  ///   - file: the file, starting at a multiple of 64.
  /// - Throws: as ``init(validating:)``.
  public init(
    validating bytes: UnsafeRawBufferPointer, constantsOf file: UnsafeRawBufferPointer
  ) throws(PlanError) {
    let header = try PlanHeader(verifying: bytes, of: file)
    self.file = file
    checksum = bytes.u32(PlanHeader.checksumOffset)
    arenaByteCount = header.arenaByteCount
    scratchByteCount = header.scratchByteCount
    loadTimeByteCount = header.loadTimeByteCount
    let modelRule: StaticString = "a record of 64 bytes with zeros in reserved bytes"
    guard let model = try RecordList<ModelRecord>(.model, of: bytes, 1...1, modelRule)[0]
    else { throw .section(.model, modelRule) }
    self.model = model
    let preprocessingRule: StaticString = "a record of 64 bytes with known codes"
    guard
      let preprocessing = try RecordList<PreprocessingRecord>(
        .preprocessing, of: bytes, 1...1, preprocessingRule)[0]
    else { throw .section(.preprocessing, preprocessingRule) }
    self.preprocessing = preprocessing
    strings = try PlanView.text(.strings, of: bytes)
    classNames = try PlanView.text(.classes, of: bytes)
    provenanceText = try PlanView.text(.provenance, of: bytes)
    constants = PlanHeader.section(.constants, of: bytes, in: file)
    let records = 1...PlanLayout.mostRecords
    tensors = try RecordList(.tensors, of: bytes, records, "1 to 1024 records of 64 bytes")
    steps = try RecordList(.steps, of: bytes, records, "1 to 1024 records of 192 bytes")
    outputs = try RecordList(
      .outputs, of: bytes, 1...PlanLayout.mostOutputs, "1 to 64 records of 32 bytes")
    featuresTensor = try PlanView.tensor(of: .features, outputs)
    logitsTensor = try PlanView.tensor(of: .logits, outputs)
    try validate()
    featureCount = featuresTensor.map { tensor($0).usedChannels } ?? 0
    classCount = logitsTensor.map { tensor($0).usedChannels } ?? 0
  }

  private static func tensor(
    of role: OutputRecord.Role, _ outputs: RecordList<OutputRecord>
  ) throws(PlanError) -> Int? {
    var found: Int?
    for index in 0..<outputs.count {
      guard let output = outputs[index] else {
        throw .section(.outputs, "known roles and zeros in reserved bytes")
      }
      guard output.role == role else { continue }
      guard found == nil else { throw .section(.outputs, "features and logits, each once at most") }
      found = output.tensor
    }
    return found
  }

  /// The number of tensors.
  public var tensorCount: Int { tensors.count }
  /// The number of steps.
  public var stepCount: Int { steps.count }
  /// The number of outputs.
  public var outputCount: Int { outputs.count }

  /// The record of a tensor; `index` is below ``tensorCount``.
  public func tensor(_ index: Int) -> TensorRecord { tensors[index]! }

  /// The record of a step; `index` is below ``stepCount``.
  public func step(_ index: Int) -> StepRecord { steps[index]! }

  /// The record of an output; `index` is below ``outputCount``.
  public func output(_ index: Int) -> OutputRecord { outputs[index]! }

  /// The index of the output of a name; nil if there is none.
  ///
  /// - Parameter name: a `String` or, in Embedded Swift, a text ended by a zero byte.
  public func output(named name: UnsafePointer<CChar>) -> Int? {
    output(named: UnsafeBufferPointer(cString: name))
  }

  /// The same of a name that no zero byte ends.
  package func output(named name: UnsafeBufferPointer<UInt8>) -> Int? {
    for index in 0..<outputCount {
      let own = UnsafeBufferPointer(cString: self.name(output(index).name))
      if own.count == name.count, memcmp(own.baseAddress!, name.baseAddress!, name.count) == 0 {
        return index
      }
    }
    return nil
  }

  /// The arithmetic of the step with the most multiplications.
  public var mainArithmetic: Arithmetic {
    var main = step(0)
    for index in 1..<stepCount where step(index).multiplications > main.multiplications {
      main = step(index)
    }
    return main.arithmetic
  }

  /// The name at an offset of the strings: UTF-8, ended by a zero byte.
  public func name(_ offset: Int) -> UnsafePointer<CChar> {
    (strings.baseAddress! + offset).assumingMemoryBound(to: CChar.self)
  }

  /// Whether a name begins at an offset: within the strings, and not within a character.
  func hasName(_ offset: Int) -> Bool { offset < strings.count && strings[offset] & 0xC0 != 0x80 }

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

  private static func text(
    _ section: PlanSection, of bytes: UnsafeRawBufferPointer
  ) throws(PlanError) -> UnsafeRawBufferPointer {
    let text = PlanHeader.section(section, of: bytes, in: bytes)
    guard text.last == 0 else { throw .section(section, "text ended by a zero byte") }
    let lineEnd: UInt16 = section == .provenance ? 0x0A : 0
    guard
      firstHiddenByte(text.assumingMemoryBound(to: UInt8.self), where: { $0 == 0 || $0 == lineEnd })
        == nil
    else { throw .section(section, "UTF-8 without control characters") }
    return text
  }
}

/// The records of a section.
struct RecordList<Record: PlanRecord> {
  private let bytes: UnsafeRawBufferPointer
  let count: Int

  /// - Throws: the rule if the section has not as many whole records.
  init(
    _ section: PlanSection, of file: UnsafeRawBufferPointer, _ counts: ClosedRange<Int>,
    _ rule: StaticString
  ) throws(PlanError) {
    bytes = PlanHeader.section(section, of: file, in: file)
    count = bytes.count / Record.byteCount
    guard bytes.count % Record.byteCount == 0, counts ~= count else {
      throw .section(section, rule)
    }
  }

  /// A record; nil if it has unknown codes or its reserved bytes are not 0.
  subscript(index: Int) -> Record? { Record(bytes, at: index * Record.byteCount) }
}
