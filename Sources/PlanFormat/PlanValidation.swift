// SPDX-License-Identifier: Apache-2.0

import CResNetKernels

// The rules that make a plan safe to run. They hold for hostile files too, so that the executor
// and the kernels need no checks of their own.

extension PlanView {
  func validate() throws(PlanError) {
    try validateModel()
    for index in 0..<tensorCount { try validateTensor(index) }
    for index in 0..<stepCount { try validateStep(index) }
    try validateLoadTimeWeights()
    try validateOutputs()
    try validateStrangers()
    try validateArena()
    try validateMemory()
  }

  private func validateModel() throws(PlanError) {
    let (image, resize) = (model.imageSize, preprocessing.resize)
    guard PlanLayout.imageSides ~= image.height, PlanLayout.imageSides ~= image.width,
      hasName(model.summary)
    else { throw .section(.model, "an image of 32 to 2048 pixels and a text in the strings") }
    guard preprocessing.crop == image, image.height <= resize.height, image.width <= resize.width,
      max(resize.height, resize.width) <= PlanLayout.greatestResize
    else { throw .section(.preprocessing, "a crop equal to the image size and at most the resize") }
    guard preprocessing.fit != .letterbox || preprocessing.resize == preprocessing.crop
    else { throw .section(.preprocessing, "a letterbox of the crop's size") }
    for channel in 0..<3 {
      guard preprocessing.mean[channel].isFinite, preprocessing.std[channel].isFinite,
        preprocessing.std[channel] > 0
      else { throw .section(.preprocessing, "finite means and positive stds") }
    }
  }

  private func validateTensor(_ index: Int) throws(PlanError) {
    guard let tensor = tensors[index] else {
      throw .tensor(index: index, "a known format and zeros in reserved bytes")
    }
    func expect(_ holds: Bool, _ rule: StaticString) throws(PlanError) {
      guard holds else { throw .tensor(index: index, rule) }
    }
    try expect(
      1...2048 ~= tensor.height && 1...2048 ~= tensor.width
        && tensor.border <= PlanLayout.greatestBorder,
      "height and width of 1 to 2048 and a border of at most 64")
    let isImage = tensor.channels == 3
    try expect(
      (isImage || tensor.channels % PlanLayout.channelBlock == 0)
        && 1...65536 ~= tensor.channels && 1...tensor.channels ~= tensor.usedChannels,
      "3 channels or whole blocks of 16, at most 65536")
    try expect(
      tensor.scale.isFinite && tensor.scale > 0 && tensor.zeroPoint <= 255,
      "a positive finite scale and a zero point of at most 255")
    // A pattern of three bytes fills whole pixels of an image only.
    let isUniform = tensor.borderPattern == (tensor.borderPattern & 0xFF) &* 0x0101_0101
    try expect(
      tensor.format == .uint8 ? isImage || isUniform : tensor.borderPattern == 0,
      "a border of equal bytes, of zeros in float32")
    try expect(
      tensor.lowerBytes == .none || tensor.format == .uint8 && !isImage,
      "lower bytes of uint8 activations only")
    try expect(
      tensor.offset % PlanLayout.alignment == 0 && tensor.offset <= arenaByteCount
        && tensor.storageByteCount <= arenaByteCount - tensor.offset,
      "an aligned place within the arena")
    try expect(
      tensor.firstStep <= tensor.lastStep && tensor.lastStep < stepCount
        && steps[tensor.firstStep]?.output == index,
      "a life that starts with the step that writes it")
    try expect(hasName(tensor.name), "a name within the strings")
  }

  private func validateStep(_ index: Int) throws(PlanError) {
    guard let step = steps[index] else {
      throw .step(index: index, "known codes and zeros in reserved bytes")
    }
    try StepRules(plan: self, index: index, step: step).validate()
  }

  /// The arena and the scratch memory are what tensors and steps need. Tensors that lie one behind another are
  /// the most that a planner comes to.
  private func validateMemory() throws(PlanError) {
    var (end, all) = (0, 0)
    for index in 0..<tensorCount {
      let tensor = self.tensor(index)
      let size = PlanLayout.aligned(tensor.storageByteCount)
      end = max(end, tensor.offset + size)
      all += size
    }
    guard arenaByteCount == end, end <= all else {
      throw .section(.tensors, "an arena in the header as large as they need")
    }
    var scratch = 0
    for index in 0..<stepCount {
      let step = self.step(index)
      guard step.operation != .input else { continue }
      scratch = max(
        scratch, step.scratchByteCount(input: tensor(step.input), output: tensor(step.output)))
    }
    guard scratch == scratchByteCount else {
      throw .section(.steps, "scratch memory in the header as large as they need")
    }
  }

  /// What a session makes lies in the order of steps without gaps or overlaps.
  private func validateLoadTimeWeights() throws(PlanError) {
    var end = 0
    for index in 0..<stepCount {
      let step = self.step(index)
      guard let record = step.operation.convolution, record.transformedPlace == .madeAtLoad
      else { continue }
      guard record.transformed == end else {
        throw .step(index: index, "transformed weights behind those of earlier steps")
      }
      end += PlanLayout.aligned(
        step.arithmetic.transformedByteCount(
          inputs: tensor(step.input).channels, outputs: tensor(step.output).channels))
    }
    guard end == loadTimeByteCount else {
      throw .section(.steps, "as many bytes of transformed weights as the header says")
    }
  }

  private func validateOutputs() throws(PlanError) {
    for index in 0..<outputCount {
      let output = self.output(index)
      guard output.tensor < tensorCount, hasName(output.name),
        tensor(output.tensor).lastStep == stepCount - 1
      else { throw .section(.outputs, "tensors that live to the end and names in the strings") }
      guard output.role == .other || tensor(output.tensor).isFloatVector else {
        throw .section(.outputs, "float32 vectors of features and logits")
      }
      guard self.output(named: name(output.name)) == index else {
        throw .section(.outputs, "a name of its own for each")
      }
    }
    guard !hasClassNames || classNameCount == logitsTensor.map({ tensor($0).usedChannels }) else {
      throw .section(.classes, "as many names as classes, or none")
    }
  }

  /// What tells strangers has what it needs, and nothing else.
  private func validateStrangers() throws(PlanError) {
    let (score, start) = (model.strangerScore, model.classDirections)
    let classes = logitsTensor.map { tensor($0).usedChannels } ?? 0
    let features = featuresTensor.map { tensor($0).usedChannels } ?? 0
    let hasOutputs: Bool
    switch score {
    case .none: hasOutputs = true
    case .probability: hasOutputs = classes > 0
    case .likeness: hasOutputs = classes > 0 && features > 0
    }
    let isPlaced: Bool
    if score == .likeness {
      isPlaced =
        start % PlanLayout.alignment == 0 && start <= constants.count
        && 4 * classes * features <= constants.count - start
    } else {
      isPlaced = start == 0
    }
    guard hasOutputs, isPlaced, model.strangerThreshold.isFinite,
      score != .none || model.strangerThreshold.bitPattern == 0
    else {
      throw .section(
        .model,
        "a finite threshold for strangers, and outputs and directions of classes where they need them"
      )
    }
  }

  /// The oracle of the arena planner: every pair of tensors that are live in a common step is
  /// disjoint, except an output written in place of its step's residual.
  private func validateArena() throws(PlanError) {
    for first in 0..<tensorCount {
      let a = tensor(first)
      for second in first + 1..<tensorCount {
        let b = tensor(second)
        let live = a.firstStep <= b.lastStep && b.firstStep <= a.lastStep
        let shared =
          a.offset < b.offset + b.storageByteCount && b.offset < a.offset + a.storageByteCount
        guard live && shared else { continue }
        guard isInPlace(first, a, second, b) || isInPlace(second, b, first, a) else {
          throw .overlap(first: first, second: second)
        }
      }
    }
  }

  private func isInPlace(_ oldIndex: Int, _ old: TensorRecord, _ newIndex: Int, _ new: TensorRecord)
    -> Bool
  {
    let step = self.step(new.firstStep)
    // An output lives beyond the last step.
    for index in 0..<outputCount where output(index).tensor == oldIndex { return false }
    return step.output == newIndex && step.residual == oldIndex && old.lastStep == new.firstStep
      && old.offset == new.offset && old.hasSameLayout(as: new)
  }
}

/// The rules of one step.
private struct StepRules {
  let plan: PlanView
  let index: Int
  let step: StepRecord

  /// The input; nothing is known of an input step's.
  var input: TensorRecord { plan.tensor(step.input) }
  var output: TensorRecord { plan.tensor(step.output) }
  /// What the step computes with.
  var format: ActivationFormat { step.arithmetic.activations }

  func expect(_ holds: Bool, _ rule: StaticString) throws(PlanError) {
    guard holds else { throw .step(index: index, rule) }
  }

  func validate() throws(PlanError) {
    try expect(plan.hasName(step.name) && plan.hasName(step.block), "names within the strings")
    // The bound keeps the sum over all steps in range.
    try expect(step.multiplications <= 1 << 50, "at most 2^50 multiplications")
    try expect(
      step.output < plan.tensorCount && output.firstStep == index,
      "an output whose life starts here")
    if step.operation != .input { try validateSource(step.input) }
    if step.hasResidual { try validateSource(step.residual) }
    try expect(isKnown(step.arithmetic), "an arithmetic that its operation has")
    switch step.operation {
    case .convolution, .scale: break
    case .input, .stem, .pool, .globalAverage, .linear, .sigmoid:
      try expect(!step.hasResidual, "a residual at convolutions and scales only")
    }
    try expect(
      output.lowerBytes == .none || writesLowerBytes,
      "lower bytes of int8 convolutions and scales only")
    switch step.operation {
    case .input: try validateInput()
    case .stem(let record): try validateStem(record)
    case .convolution(let record): try validateConvolution(record)
    case .pool(let record): try validatePool(record)
    case .globalAverage(let record): try validateGlobalAverage(record)
    case .linear(let record): try validateLinear(record)
    case .scale(let record): try validateScale(record)
    case .sigmoid:
      try expect(
        input.isFloatVector && output.isFloatVector && input.channels == output.channels,
        "float32 vectors of the same channels")
    }
  }

  private var writesLowerBytes: Bool {
    switch step.operation {
    case .convolution, .scale: step.arithmetic.weights == .int8
    case .input, .stem, .pool, .globalAverage, .linear, .sigmoid: false
    }
  }

  private func isKnown(_ arithmetic: Arithmetic) -> Bool {
    let (isDirect, isCoded) = (arithmetic.algorithm == .direct, arithmetic.algorithm.isCoded)
    let sums = (arithmetic.activations, arithmetic.weights, arithmetic.accumulator)
    switch step.operation {
    case .input, .pool, .globalAverage, .scale:
      return arithmetic == .int8 || arithmetic == .float32
    case .sigmoid: return arithmetic == .float32
    case .linear: return sums.0 == .float32 && sums.2 == .float32 && isDirect
    case .stem, .convolution:
      if case .stem = step.operation, !isDirect { return false }
      switch sums {
      case (.float32, .float16, .float32), (.float32, .float16, .float16),
        (.float32, .float32, .float32):
        return !isCoded
      case (.uint8, .int8, .int32): return isDirect || isCoded
      default: return false
      }
    }
  }

  private func validateSource(_ source: Int) throws(PlanError) {
    let rule: StaticString = "sources that were written before and are still live"
    try expect(source < plan.tensorCount, rule)
    let tensor = plan.tensor(source)
    try expect(tensor.firstStep < index && index <= tensor.lastStep, rule)
  }

  private func validateInput() throws(PlanError) {
    try expect(
      output.channels == 3 && output.height == plan.model.imageHeight
        && output.width == plan.model.imageWidth && output.format == format,
      "an output of the image's size with 3 channels")
  }

  private func validateStem(_ record: ConvolutionRecord) throws(PlanError) {
    try validateShape(record, readsFormat: input.format == format)
    try expect(record.isDense, "a stem without groups and dilation")
    // The maximum pads with zeros, which is right for rectified values alone.
    try expect(
      record.low == 0 && output.zeroPoint == 0, "a rectified output with zero point 0")
    let (height, width) = (record.outputHeight(input), record.outputWidth(input))
    try expect(
      height > 0 && width > 0 && (height + 1) / 2 == output.height
        && (width + 1) / 2 == output.width,
      "an output of the shape that the convolution has")
    try validateSums(record)
  }

  private func validateConvolution(_ record: ConvolutionRecord) throws(PlanError) {
    // Float32 activations are converted where tensors are uint8; an image has no scale to convert by.
    let converts = format == .float32
    try validateShape(
      record, readsFormat: input.format == format || converts && input.channels != 3)
    try expect(
      record.outputHeight(input) == output.height && record.outputWidth(input) == output.width,
      "an output of the shape that the convolution has")
    try validateResidual(factor: record.residualFactor, converts: converts)
    try validateSums(record)
  }

  private func validateResidual(factor: Float, converts: Bool) throws(PlanError) {
    guard step.hasResidual else { return }
    let residual = plan.tensor(step.residual)
    try expect(
      residual.hasShape(of: output) && (residual.format == format || converts)
        && step.residual != step.input && factor.isFinite,
      "a residual of the output's shape")
  }

  /// The fields that say where a convolution reads and writes.
  private func validateShape(_ record: ConvolutionRecord, readsFormat: Bool) throws(PlanError) {
    let formats: StaticString = "kernel, stride, padding and formats that its tensors have"
    try expect(readsFormat, formats)
    try expect(
      record.kernelHeight == record.kernelWidth && record.strideY == record.strideX
        && record.dilationY == record.dilationX,
      "the same kernel, stride and dilation in both directions")
    try expect(
      1...7 ~= record.kernelHeight && 1...2 ~= record.strideY && 1...16 ~= record.dilationY
        && record.padding <= min(input.border, record.reachHeight - 1)
        && (output.format == format || format == .float32), formats)
    try expect(
      record.isDense || hasGroups(record),
      "groups of 4, 8 or a multiple of 16 channels, as many of the output as of the input")
    try expect(
      output.channels % PlanLayout.channelBlock == 0, "an output in whole blocks of channels")
  }

  /// Whether the kernels for groups and dilation take a convolution.
  private func hasGroups(_ record: ConvolutionRecord) -> Bool {
    guard 1...65536 ~= record.groups, input.channels % PlanLayout.channelBlock == 0,
      input.channels % record.groups == 0
    else { return false }
    let width = record.groupWidth(input)
    guard width == 4 || width == 8 || width % PlanLayout.channelBlock == 0 else { return false }
    if record.groups > 1 { return output.channels == input.channels }
    return output.channels <= width || width >= 32
  }

  /// The sums of a convolution, their clamp and their constants.
  private func validateSums(_ record: ConvolutionRecord) throws(PlanError) {
    let (weights, channels) = (step.arithmetic.weights, output.channels)
    // 32768 products of 255 * 128 and a bias below 2^30 stay within int32.
    let taps = record.products(input, weights)
    try expect(taps <= 32768, "at most 32768 products in a sum")
    try validateClamp(record.low, record.high)
    try validateAlgorithm(record)
    let isPlain =
      step.arithmetic.algorithm == .direct || record.transformedPlace == .madeAtLoad
    try expect(
      isPlain || record.weights == 0, "no plain weights beside stored transformed ones")
    guard !step.arithmetic.algorithm.isCoded else { return try validateCoding(record) }
    try expect(
      record.codeZero == 0 && record.shifts == 0 && record.factors == 0,
      "shifts, factors and a zero of codes only where inputs are coded")
    try validateConstants(multiplier: record.multiplier)
    guard weights == .int8 else { return }
    let flippedBias = record.flippedBias(count: channels)
    for channel in 0..<channels {
      let bias = Int32(bitPattern: plan.constants.u32(record.bias + 4 * channel))
      try expect(bias.magnitude < 1 << 30, "biases below 2^30")
      // 32768 products of 128 * 128 are 2^29: so much more of a bias, and of a sum with it.
      let flipped = Int32(bitPattern: plan.constants.u32(flippedBias + 4 * channel))
      try expect(flipped.magnitude < 3 << 29, "biases for int8 inputs below 3 * 2^29")
    }
  }

  /// What a coded convolution has besides its weights. Its sums are modulo 2^32, so that starts may be any.
  private func validateCoding(_ record: ConvolutionRecord) throws(PlanError) {
    let algorithm = step.arithmetic.algorithm
    try expect(record.transformedPlace == .constants, "coded weights in the constants")
    try validateConstants(multiplier: record.multiplier)
    for place in 0..<algorithm.products * output.channels {
      try expect(
        plan.constants.u32(record.shifts + 4 * place) <= 31, "shifts of coded sums of 0 to 31")
    }
    for place in 0..<4 * Int(rn_coded_shape_of(algorithm.codedForm!).rows) {
      let two = plan.constants.u32(record.factors + 4 * place)
      try expect(two & 0x8000_8000 == 0, "factors of codes of 0 to 32767")
    }
    try expect(record.codeZero.magnitude <= 32000, "a zero of codes of -32000 to 32000")
  }

  private func validateClamp(_ low: Float, _ high: Float) throws(PlanError) {
    switch format {
    case .float32: try validateFloatClamp(low, high)
    case .uint8:
      let zero = Float(output.zeroPoint(flip: 0))
      let greatest: Float = output.lowerBytes == .none ? 255 : 65535
      try expect(
        low + zero >= 0 && high + zero <= greatest && low <= high,
        "a clamp within 0 to 255, or to 65535 with lower bytes")
    }
  }

  private func validateFloatClamp(_ low: Float, _ high: Float) throws(PlanError) {
    try expect(
      (low == 0 || low == -Float.infinity) && low <= high,
      "a lower bound of 0 or none, not above the upper one")
  }

  private func validateAlgorithm(_ record: ConvolutionRecord) throws(PlanError) {
    let arithmetic = step.arithmetic
    let inputs = input.channels
    guard arithmetic.algorithm != .direct else {
      return try expect(
        record.transformed == 0 && record.transformedPlace == .constants,
        "no transformed weights for direct sums")
    }
    let bytes = arithmetic.transformedByteCount(inputs: inputs, outputs: output.channels)
    try expect(
      record.kernelHeight == 3 && record.strideY == 1 && record.isDense
        && inputs % PlanLayout.channelBlock == 0,
      "a form that its shape allows")
    try expect(
      record.transformedPlace == .constants
        || isWithin(plan.loadTimeByteCount, record.transformed, bytes),
      "transformed weights with a place")
  }

  private func validatePool(_ record: PoolRecord) throws(PlanError) {
    try expect(
      1...16 ~= record.kernelHeight && 1...16 ~= record.kernelWidth
        && 1...16 ~= record.strideY && 1...16 ~= record.strideX
        && max(record.paddingTop, record.paddingBottom) < record.kernelHeight
        && max(record.paddingLeft, record.paddingRight) < record.kernelWidth,
      "a window and a stride of 1 to 16 and less padding")
    try expect(
      input.format == format && output.format == format
        && input.channels % PlanLayout.channelBlock == 0 && output.channels == input.channels
        && record.outputHeight(input) == output.height
        && record.outputWidth(input) == output.width,
      "an output of the input's format and of the pool's shape")
    try expect(
      record.reduction != .maximum
        || input.scale == output.scale && input.zeroPoint == output.zeroPoint,
      "the input's scale and zero point for a maximum")
    try expect(
      record.reduction != .blur
        || record.kernelHeight == 3 && record.kernelWidth == 3 && record.paddingTop == 1
          && record.paddingLeft == 1 && record.paddingBottom == 1 && record.paddingRight == 1
          && input.height >= 2 && input.width >= 2,
      "a blur of 3×3 with a padding of 1, of 2×2 pixels at least")
  }

  private func validateScale(_ record: ScaleRecord) throws(PlanError) {
    try expect(
      output.hasShape(of: input) && input.format == format && output.format == format
        && input.channels % PlanLayout.channelBlock == 0,
      "an output of the input's shape and format")
    try validateResidual(factor: record.residualFactor, converts: false)
    try validateClamp(record.low, record.high)
    if record.hasGate {
      try validateSource(record.gate)
      let gate = plan.tensor(record.gate)
      try expect(
        gate.isFloatVector && gate.channels == output.channels && record.multiplier == 0
          && record.gateFactor.isFinite, "a gate of a float32 vector of the output's channels")
    }
    try expect(
      (record.hasGate || record.gateFactor == 0) && (record.slopes != .none || record.slope == 0),
      "aligned constants within their section")
    try validateConstants()
  }

  private func validateGlobalAverage(_ record: GlobalAverageRecord) throws(PlanError) {
    try expect(
      output.isFloatVector && output.channels == input.channels && input.format == format
        && input.channels % PlanLayout.channelBlock == 0 && input.height * input.width <= 65536
        && record.factor.isFinite,
      "float32 features of the input's channels")
  }

  private func validateLinear(_ record: LinearRecord) throws(PlanError) {
    try expect(
      input.isFloatVector && output.isFloatVector
        && output.channels % PlanLayout.channelBlock == 0, "float32 vectors")
    try validateFloatClamp(record.low, record.high)
    try validateConstants(multiplier: record.multiplier)
  }

  /// The places of all constants.
  private func validateConstants() throws(PlanError) {
    var step = self.step
    var isPlaced = true
    plan.forEachConstant(of: &step) { offset, count in
      isPlaced = isPlaced && isWithin(plan.constants.count, offset, count)
    }
    try expect(isPlaced, "aligned constants within their section")
  }

  /// The same, and what int8 weights are multiplied by.
  private func validateConstants(multiplier: Int) throws(PlanError) {
    try validateConstants()
    for output in 0..<(step.arithmetic.weights == .int8 ? output.channels : 0) {
      try expect(plan.constants.f32(multiplier + 4 * output).isFinite, "finite multipliers")
    }
  }

  private func isWithin(_ total: Int, _ offset: Int, _ count: Int) -> Bool {
    offset % PlanLayout.alignment == 0 && offset <= total && count <= total - offset
  }
}

extension TensorRecord {
  fileprivate var isFloatVector: Bool {
    height == 1 && width == 1 && border == 0 && format == .float32
  }
}
