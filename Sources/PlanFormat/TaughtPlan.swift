// SPDX-License-Identifier: Apache-2.0

import CResNetPlatform
public import ResNetPlatform

/// Why a plan cannot get another classifier.
public enum TaughtPlanError: Error, Equatable, TextDescribable {
  /// The plan has no output of pooled features.
  case noFeatures
  /// The logits are not those of a linear layer that reads the pooled features, or another step reads them.
  case noHead
  /// The plan has no logits, and no room for them: as many tensors, steps or outputs as a plan may have, or an
  /// output of another kind with their name.
  case noRoom
  /// The texts leave no room for what comes before the weights.
  case tooLong(limit: Int, found: Int)

  /// Appends what was expected and what was found.
  ///
  /// - **Allocates:** nothing.
  public func describe(to line: inout TextLine) {
    switch self {
    case .noFeatures:
      line.append("expected a plan with the output features, found one without")
    case .noHead:
      line.append("expected logits of one linear layer that reads the pooled features, ")
      line.append("and no step that reads the logits, found others")
    case .noRoom:
      line.append("expected logits, or room for them: fewer than \(PlanLayout.mostRecords)")
      line.append(" tensors and steps and \(PlanLayout.mostOutputs) outputs, none named logits")
    case .tooLong(let limit, let found):
      line.append(
        "expected names of at most \(limit) bytes with the plan's records, found \(found)")
    }
  }
}

#if !hasFeature(Embedded)
  extension TaughtPlanError: CustomStringConvertible {}
#endif

/// A plan with the backbone of another one and a classifier of its own, in float32.
///
/// Weights, records and names of the backbone are copied byte by byte; the old classifier is left out. A plan whose
/// features are an output and whose logits are none gets the classifier as its last step, and an output `logits`
/// behind the others.
///
/// - **Allocates:** nothing; it points into the memory of whoever made it.
public struct TaughtPlan {
  /// What takes the place of the classifier.
  public struct Head {
    /// `[classes][features]` and `[classes]`.
    public let weights, bias: UnsafeBufferPointer<Float>
    /// The names of the classes, each ended by a zero byte: UTF-8 that can be shown.
    public let classNames: UnsafeRawBufferPointer
    /// Lines of `key: value` that can be shown, ended by a zero byte.
    public let provenance: UnsafeRawBufferPointer
    /// What tells strangers, below which score, and the directions of the classes' mean features,
    /// `[classes][features]`, if the score needs them.
    public var strangerScore = StrangerScore.none
    public var strangerThreshold: Float = 0
    public var classDirections = UnsafeBufferPointer<Float>(start: nil, count: 0)

    public init(
      weights: UnsafeBufferPointer<Float>, bias: UnsafeBufferPointer<Float>,
      classNames: UnsafeRawBufferPointer, provenance: UnsafeRawBufferPointer
    ) {
      self.weights = weights
      self.bias = bias
      self.classNames = classNames
      self.provenance = provenance
    }

    fileprivate var classes: Int { bias.count }
    fileprivate var outputs: Int { PlanLayout.paddedChannels(classes) }
  }

  private let plan: PlanView
  private let head: Head
  private let place: HeadPlace
  /// The bytes of the constants that only the old classifier has.
  private let cut: Range<Int>
  private var sectionByteCounts = InlineArray<9, Int>(repeating: 0)

  /// Prepares a plan.
  ///
  /// - Throws: ``TaughtPlanError``.
  public init(_ plan: PlanView, _ head: Head) throws(TaughtPlanError) {
    precondition(
      head.weights.count == head.classes * plan.featureCount && head.classes <= 65536,
      "weights of all features")
    place = try HeadPlace(in: plan)
    cut = place.isNew ? 0..<0 : TaughtPlan.constants(ofStepAlone: place.step, plan)
    self.plan = plan
    self.head = head
    let counts =
      [
        ModelRecord.byteCount, PreprocessingRecord.byteCount, plan.strings.count + newName.count,
        head.classNames.count, head.provenance.count, tensorCount * TensorRecord.byteCount,
        stepCount * StepRecord.byteCount, outputCount * OutputRecord.byteCount,
        directionOffset + (hasDirections ? 4 * head.weights.count : 0),
      ] as InlineArray<9, Int>
    sectionByteCounts = counts
    let limit = 1 << 24
    guard beforeConstants <= limit else {
      throw .tooLong(limit: limit, found: beforeConstants)
    }
  }

  /// Checks that a plan can get a classifier.
  public static func check(_ plan: PlanView) throws(TaughtPlanError) { _ = try HeadPlace(in: plan) }

  /// The bytes of the file.
  public var byteCount: Int { beforeConstants + PlanLayout.aligned(sectionByteCounts[8]) }

  /// The bytes of memory that writing needs.
  public var memoryByteCount: Int { beforeConstants + blockByteCount }

  /// The most that ``memoryByteCount`` is for a plan and a head with so many bytes of texts.
  package static func greatestMemoryByteCount(_ plan: PlanView, textByteCount: Int) -> Int {
    let records = TensorRecord.byteCount + StepRecord.byteCount + OutputRecord.byteCount
    let name = newName.utf8CodeUnitCount
    // Each section is padded.
    let padding = PlanLayout.sectionCount * PlanLayout.alignment
    let channels = PlanLayout.paddedChannels(plan.featureCount)
    return plan.byteCount - plan.constants.count + textByteCount + records + name + padding
      + 4 * PlanLayout.channelBlock * channels
  }

  /// Writes the file from its start to its end.
  ///
  /// - Parameters:
  ///   - memory: ``memoryByteCount`` bytes, aligned to 64.
  ///   - write: takes the next bytes.
  public func write<Failure: Error>(
    memory: UnsafeMutableRawBufferPointer,
    _ write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let start = UnsafeMutableRawBufferPointer(rebasing: memory[..<beforeConstants])
    let block = UnsafeMutableRawBufferPointer(rebasing: memory[beforeConstants...])
    memset(start.baseAddress!, 0, start.count)
    let arena = writeRecords(start)
    var header = PlanHeader()
    header.arenaByteCount = arena
    header.scratchByteCount = plan.scratchByteCount
    header.loadTimeByteCount = plan.loadTimeByteCount
    var checksum: UInt32 = 0
    forEachConstant(block) { (bytes) throws(Never) in
      checksum = rn_crc32c(checksum, bytes.baseAddress, bytes.count)
    }
    withUnsafeBytes(of: sectionByteCounts) {
      header.seal(
        start, sectionByteCounts: $0.assumingMemoryBound(to: Int.self),
        constantsChecksum: checksum)
    }
    try write(UnsafeRawBufferPointer(start))
    try forEachConstant(block, write)
  }
}

// MARK: - The place of the classifier

/// The step of a plan's classifier, and its tensors: those that the plan has, or the next ones.
private struct HeadPlace {
  let step, features, logits: Int
  /// Whether the plan has no classifier yet.
  let isNew: Bool

  init(in plan: PlanView) throws(TaughtPlanError) {
    guard let features = plan.featuresTensor else { throw .noFeatures }
    guard let logits = plan.logitsTensor else {
      guard max(plan.tensorCount, plan.stepCount) < PlanLayout.mostRecords,
        plan.outputCount < PlanLayout.mostOutputs,
        plan.output(named: TaughtPlan.newName.cString) == nil
      else { throw .noRoom }
      (step, self.features, self.logits) = (plan.stepCount, features, plan.tensorCount)
      isNew = true
      return
    }
    var found: Int?
    for index in 0..<plan.stepCount {
      let step = plan.step(index)
      if case .linear = step.operation, step.output == logits, step.input == features {
        found = index
      } else if step.operation != .input, step.input == logits || step.residual == logits {
        throw .noHead
      } else if case .scale(let record) = step.operation, record.gate == logits {
        throw .noHead
      }
    }
    guard let found, logits != features else { throw .noHead }
    (step, self.features, self.logits) = (found, features, logits)
    isNew = false
  }
}

extension TaughtPlan {
  /// The bytes of the constants from the first to the last of a step, and the old classes, if no other step has any between them.
  private static func constants(ofStepAlone index: Int, _ plan: PlanView) -> Range<Int> {
    var (low, high) = (Int.max, 0)
    // The directions of the old classes go with them.
    if plan.model.strangerScore == .likeness {
      low = plan.model.classDirections
      high = low + 4 * plan.featureCount * plan.classCount
    }
    var step = plan.step(index)
    plan.forEachConstant(of: &step) { offset, count in
      low = min(low, offset)
      high = max(high, offset + count)
    }
    high = min(PlanLayout.aligned(high), plan.constants.count)
    var isAlone = low < high
    for other in 0..<plan.stepCount where other != index {
      var step = plan.step(other)
      plan.forEachConstant(of: &step) { offset, count in
        if offset < high, offset + count > low { isAlone = false }
      }
    }
    return isAlone ? low..<high : 0..<0
  }
}

// MARK: - The new file

extension TaughtPlan {
  /// The name of what a plan without a classifier gets: with a zero byte behind it.
  fileprivate static var newName: StaticString { "logits\0" }
  /// That name, as far as it is not there.
  private var newName: UnsafeRawBufferPointer {
    let name = TaughtPlan.newName
    return UnsafeRawBufferPointer(
      start: name.utf8Start, count: place.isNew ? name.utf8CodeUnitCount : 0)
  }
  private var tensorCount: Int { max(plan.tensorCount, place.logits + 1) }
  private var stepCount: Int { max(plan.stepCount, place.step + 1) }
  private var outputCount: Int { plan.outputCount + (place.isNew ? 1 : 0) }

  private var beforeConstants: Int {
    var count = PlanLayout.headerByteCount
    for index in 0..<8 { count += PlanLayout.aligned(sectionByteCounts[index]) }
    return count
  }
  /// Where the new classifier is among the constants: behind the others.
  private var headOffset: Int { PlanLayout.aligned(plan.constants.count - cut.count) }
  private var inputs: Int { plan.tensor(place.features).channels }
  private var weightByteCount: Int { 4 * inputs * head.outputs }
  /// The weights of a block of classes.
  private var blockByteCount: Int { 4 * inputs * PlanLayout.channelBlock }

  /// Where a constant of the backbone is in the new file.
  private func moved(_ offset: Int) -> Int { offset < cut.upperBound ? offset : offset - cut.count }

  /// Writes the sections before the constants and returns the bytes of the arena.
  private func writeRecords(_ bytes: UnsafeMutableRawBufferPointer) -> Int {
    var offset = PlanLayout.headerByteCount
    var section = 0
    func next() {
      offset += PlanLayout.aligned(sectionByteCounts[section])
      section += 1
    }
    func copy(_ text: UnsafeRawBufferPointer, behind count: Int = 0) {
      UnsafeMutableRawBufferPointer(rebasing: bytes[(offset + count)...]).copyMemory(from: text)
    }
    model().write(to: bytes, at: offset)
    next()
    plan.preprocessing.write(to: bytes, at: offset)
    next()
    copy(plan.strings)
    copy(newName, behind: plan.strings.count)
    next()
    copy(head.classNames)
    next()
    copy(head.provenance)
    next()
    var arena = 0
    for index in 0..<tensorCount {
      let tensor = index == place.logits ? logits() : self.tensor(index)
      tensor.write(to: bytes, at: offset + index * TensorRecord.byteCount)
      arena = max(arena, tensor.offset + PlanLayout.aligned(tensor.storageByteCount))
    }
    next()
    for index in 0..<stepCount {
      var step = index == place.step ? headStep() : plan.step(index)
      if index != place.step {
        plan.forEachConstant(of: &step) { offset, _ in offset = moved(offset) }
      }
      step.write(to: bytes, at: offset + index * StepRecord.byteCount)
    }
    next()
    for index in 0..<outputCount {
      let output =
        index < plan.outputCount
        ? plan.output(index)
        : OutputRecord(role: .logits, tensor: place.logits, name: plan.strings.count)
      output.write(to: bytes, at: offset + index * OutputRecord.byteCount)
    }
    return arena
  }

  /// A tensor of the backbone: outputs live to the end, which may be a step later than before.
  private func tensor(_ index: Int) -> TensorRecord {
    var tensor = plan.tensor(index)
    for output in 0..<plan.outputCount where plan.output(output).tensor == index {
      tensor.lastStep = stepCount - 1
    }
    return tensor
  }

  /// The tensor of the logits, at the first place that is free while it lives.
  private func logits() -> TensorRecord {
    var logits = TensorRecord()
    if place.isNew {
      (logits.height, logits.width) = (1, 1)
      (logits.firstStep, logits.lastStep) = (place.step, place.step)
      logits.name = plan.strings.count
    } else {
      logits = plan.tensor(place.logits)
    }
    logits.channels = head.outputs
    logits.usedChannels = head.classes
    logits.offset = 0
    var isFree = false
    while !isFree {
      isFree = true
      for index in 0..<plan.tensorCount where index != place.logits {
        let other = tensor(index)
        let end = other.offset + other.storageByteCount
        guard logits.firstStep <= other.lastStep, other.firstStep <= logits.lastStep,
          logits.offset < end, other.offset < logits.offset + logits.storageByteCount
        else { continue }
        logits.offset = PlanLayout.aligned(end)
        isFree = false
      }
    }
    return logits
  }

  private var hasDirections: Bool { head.strangerScore == .likeness }
  private var directionOffset: Int { headOffset + weightByteCount + 4 * head.outputs }

  private func model() -> ModelRecord {
    var model = plan.model
    model.strangerScore = head.strangerScore
    model.strangerThreshold = head.strangerScore == .none ? 0 : head.strangerThreshold
    model.classDirections = hasDirections ? directionOffset : 0
    return model
  }

  private func headStep() -> StepRecord {
    var step = StepRecord()
    if place.isNew {
      (step.input, step.output) = (place.features, place.logits)
      (step.name, step.block) = (plan.strings.count, plan.strings.count)
    } else {
      step = plan.step(place.step)
    }
    var record = LinearRecord()
    record.weights = headOffset
    record.bias = headOffset + weightByteCount
    step.operation = .linear(record)
    step.arithmetic = .float32
    step.multiplications = plan.featureCount * head.classes
    return step
  }

  /// Calls `body` with the bytes of the constants in order, padding included.
  private func forEachConstant<Failure: Error>(
    _ block: UnsafeMutableRawBufferPointer,
    _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    let constants = plan.constants
    try body(UnsafeRawBufferPointer(rebasing: constants[..<cut.lowerBound]))
    try body(UnsafeRawBufferPointer(rebasing: constants[cut.upperBound...]))
    memset(block.baseAddress!, 0, block.count)
    let padding = headOffset - (constants.count - cut.count)
    try body(UnsafeRawBufferPointer(rebasing: block[..<padding]))
    let room = PlanLayout.channelBlock
    for first in stride(from: 0, to: head.outputs, by: room) {
      for input in 0..<plan.featureCount {
        for output in 0..<room {
          let label = first + output
          let weight = label < head.classes ? head.weights[label * plan.featureCount + input] : 0
          block.storeBytes(
            of: weight.bitPattern.littleEndian, toByteOffset: 4 * (input * room + output),
            as: UInt32.self)
        }
      }
      try body(UnsafeRawBufferPointer(rebasing: block[..<blockByteCount]))
    }
    for first in stride(from: 0, to: head.outputs, by: room) {
      for output in 0..<room {
        let label = first + output
        let bias = label < head.classes ? head.bias[label] : 0
        block.storeBytes(
          of: bias.bitPattern.littleEndian, toByteOffset: 4 * output, as: UInt32.self)
      }
      try body(UnsafeRawBufferPointer(rebasing: block[..<(4 * room)]))
    }
    guard hasDirections else { return }
    // Rows of a class have no padding: they are copied in pieces of a block, the last one filled up with zeros.
    let values = head.classDirections
    for first in stride(from: 0, to: values.count, by: room) {
      for place in 0..<room {
        let value = first + place < values.count ? values[first + place] : 0
        block.storeBytes(
          of: value.bitPattern.littleEndian, toByteOffset: 4 * place, as: UInt32.self)
      }
      try body(UnsafeRawBufferPointer(rebasing: block[..<(4 * room)]))
    }
  }
}
