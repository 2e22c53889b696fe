// SPDX-License-Identifier: Apache-2.0

// The rules that make a plan safe to run. They hold for hostile files too, so that the executor
// and the kernels need no checks of their own.

extension PlanView {
  func validate() throws(PlanError) {
    try validateModel()
    for index in 0..<tensorCount { try validateTensor(index) }
    for index in 0..<stepCount { try validateStep(index) }
    try validateLoadTimeWeights()
    try validateOutputs()
    try validateArena()
  }

  private func validateModel() throws(PlanError) {
    guard 32...1024 ~= model.imageHeight, 32...1024 ~= model.imageWidth,
      model.summary < stringsByteCount
    else { throw .section(.model, "an image of 32 to 1024 pixels and a text in the strings") }
    guard preprocessing.crop == model.imageHeight, preprocessing.crop == model.imageWidth,
      preprocessing.crop <= preprocessing.resize, preprocessing.resize <= 4096
    else { throw .section(.preprocessing, "a crop equal to the image size and at most the resize") }
    for channel in 0..<3 {
      guard preprocessing.mean[channel].isFinite, preprocessing.std[channel].isFinite,
        preprocessing.std[channel] > 0
      else { throw .section(.preprocessing, "finite means and positive stds") }
    }
  }

  private func validateTensor(_ index: Int) throws(PlanError) {
    guard let tensor = rawTensor(index) else {
      throw .tensor(index: index, "a known format and zeros in reserved bytes")
    }
    guard 1...1024 ~= tensor.height, 1...1024 ~= tensor.width, tensor.border <= 3 else {
      throw .tensor(index: index, "height and width of 1 to 1024 and a border of at most 3")
    }
    let isImage = tensor.channels == 3
    guard isImage || tensor.channels % PlanLayout.channelBlock == 0,
      1...65536 ~= tensor.channels, 1...tensor.channels ~= tensor.usedChannels
    else { throw .tensor(index: index, "3 channels or whole blocks of 16, at most 65536") }
    guard tensor.scale.isFinite, tensor.scale > 0, tensor.zeroPoint <= 255 else {
      throw .tensor(index: index, "a positive finite scale and a zero point of at most 255")
    }
    // A pattern of three bytes fills whole pixels of an image only.
    let isUniform = tensor.borderPattern == (tensor.borderPattern & 0xFF) &* 0x0101_0101
    guard tensor.format == .uint8 ? isImage || isUniform : tensor.borderPattern == 0 else {
      throw .tensor(index: index, "a border of equal bytes, of zeros in float32")
    }
    guard tensor.offset % PlanLayout.alignment == 0, tensor.offset <= arenaByteCount,
      tensor.storageByteCount <= arenaByteCount - tensor.offset
    else { throw .tensor(index: index, "an aligned place within the arena") }
    guard tensor.firstStep <= tensor.lastStep, tensor.lastStep < stepCount,
      let producer = rawStep(tensor.firstStep), producer.output == index
    else { throw .tensor(index: index, "a life that starts with the step that writes it") }
    guard tensor.name < stringsByteCount else {
      throw .tensor(index: index, "a name within the strings")
    }
  }

  private func validateStep(_ index: Int) throws(PlanError) {
    guard let step = rawStep(index) else {
      throw .step(index: index, "known codes and zeros in reserved bytes")
    }
    guard step.name < stringsByteCount, step.block < stringsByteCount else {
      throw .step(index: index, "names within the strings")
    }
    // The bound keeps the sum over all steps in range.
    guard step.multiplications <= 1 << 50 else {
      throw .step(index: index, "at most 2^50 multiplications")
    }
    guard step.output < tensorCount, tensor(step.output).firstStep == index else {
      throw .step(index: index, "an output whose life starts here")
    }
    if step.operation != .input { try validateSource(step.input, of: index) }
    if step.hasResidual { try validateSource(step.residual, of: index) }
    guard isKnown(step.arithmetic, for: step.operation) else {
      throw .step(index: index, "an arithmetic that its operation has")
    }
    switch step.operation {
    case .input: try validateInput(step, index)
    case .stem(let record): try validateStem(record, step, index)
    case .convolution(let record): try validateConvolution(record, step, index)
    case .pool(let record): try validatePool(record, step, index)
    case .globalAverage(let record): try validateGlobalAverage(record, step, index)
    case .linear(let record): try validateLinear(record, step, index)
    }
  }

  private func isKnown(_ arithmetic: Arithmetic, for operation: StepOperation) -> Bool {
    let isDirect = arithmetic.algorithm == .direct
    let sums = (arithmetic.activations, arithmetic.weights, arithmetic.accumulator)
    switch operation {
    case .input, .pool, .globalAverage: return arithmetic == .int8 || arithmetic == .float32
    case .linear: return sums.0 == .float32 && sums.2 == .float32 && isDirect
    case .stem, .convolution:
      switch sums {
      case (.uint8, .int8, .int32), (.float32, .float16, .float32), (.float32, .float16, .float16):
        if case .stem = operation { return isDirect }
        return true
      case (.float32, .float32, .float32): return isDirect
      default: return false
      }
    }
  }

  private func validateSource(_ source: Int, of index: Int) throws(PlanError) {
    guard source < tensorCount, tensor(source).firstStep < index, index <= tensor(source).lastStep
    else { throw .step(index: index, "sources that were written before and are still live") }
  }

  private func validateNoResidual(_ step: StepRecord, _ index: Int) throws(PlanError) {
    guard !step.hasResidual else { throw .step(index: index, "a residual at convolutions only") }
  }

  private func validateInput(_ step: StepRecord, _ index: Int) throws(PlanError) {
    try validateNoResidual(step, index)
    let output = tensor(step.output)
    guard output.channels == 3, output.height == model.imageHeight,
      output.width == model.imageWidth, output.format == step.arithmetic.activations
    else { throw .step(index: index, "an output of the image's size with 3 channels") }
  }

  private func validateStem(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    try validateNoResidual(step, index)
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard input.format == step.arithmetic.activations else {
      throw .step(index: index, "kernel, stride, padding and formats that its tensors have")
    }
    try validateShape(record, step, index)
    // The maximum pads with zeros, which is right for rectified values alone.
    guard record.low == 0, output.zeroPoint == 0 else {
      throw .step(index: index, "a rectified output with zero point 0")
    }
    let (height, width) = (record.outputHeight(input), record.outputWidth(input))
    guard height > 0, width > 0, step.stemScratchByteCount(width: width, output) <= scratchByteCount
    else { throw .step(index: index, "scratch memory for its rows") }
    guard (height + 1) / 2 == output.height, (width + 1) / 2 == output.width else {
      throw .step(index: index, "an output of the shape that the convolution has")
    }
    try validateSums(record, step, index)
  }

  private func validateConvolution(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    let input = tensor(step.input)
    let output = tensor(step.output)
    let format = step.arithmetic.activations
    // Float32 activations are converted where tensors are uint8; an image has no scale to convert by.
    let converts = format == .float32
    guard input.format == format || converts && input.channels != 3 else {
      throw .step(index: index, "kernel, stride, padding and formats that its tensors have")
    }
    try validateShape(record, step, index)
    guard record.outputHeight(input) == output.height, record.outputWidth(input) == output.width
    else { throw .step(index: index, "an output of the shape that the convolution has") }
    if step.hasResidual {
      let residual = tensor(step.residual)
      guard residual.height == output.height, residual.width == output.width,
        residual.channels == output.channels, residual.format == format || converts,
        step.residual != step.input, record.residualFactor.isFinite
      else { throw .step(index: index, "a residual of the output's shape") }
    }
    if converts {
      let strip = StripLayout(record, step.arithmetic, input: input, output: output)
      let tiles = step.arithmetic.scratchByteCount(inputs: input.channels)
      guard strip.byteCount + tiles <= scratchByteCount else {
        throw .step(index: index, "scratch memory for a strip of rows and its tiles")
      }
    }
    try validateSums(record, step, index)
  }

  /// The fields that say where a convolution reads and writes.
  private func validateShape(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    guard record.groups == 1, record.dilationY == 1, record.dilationX == 1,
      record.kernelHeight == record.kernelWidth, record.strideY == record.strideX,
      record.paddingTop == record.paddingLeft, record.paddingTop == record.paddingBottom,
      record.paddingTop == record.paddingRight
    else {
      throw .step(
        index: index, "one group, no dilation, and the same kernel, stride and padding all around")
    }
    let output = tensor(step.output)
    let format = step.arithmetic.activations
    guard 1...7 ~= record.kernelHeight, 1...2 ~= record.strideY,
      record.paddingTop <= tensor(step.input).border,
      output.format == format || format == .float32
    else { throw .step(index: index, "kernel, stride, padding and formats that its tensors have") }
    guard output.channels % PlanLayout.channelBlock == 0 else {
      throw .step(index: index, "an output in whole blocks of channels")
    }
  }

  /// The sums of a convolution, their clamp and their constants.
  private func validateSums(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    let output = tensor(step.output)
    let weights = step.arithmetic.weights
    // 32768 products of 255 * 128 and a bias below 2^30 stay within int32.
    let taps = record.kernelHeight * record.run(tensor(step.input), weights)
    guard taps <= 32768 else { throw .step(index: index, "at most 32768 products in a sum") }
    try validateClamp(record, step, index)
    try validateAlgorithm(record, step, index)
    let isPlain =
      weights == .int8 || step.arithmetic.algorithm == .direct
      || record.transformedPlace == .madeAtLoad
    guard isPlain || record.weights == 0 else {
      throw .step(index: index, "no plain weights beside stored transformed ones")
    }
    let biasBytes = output.channels * 4
    try validateConstants(
      (record.weights, isPlain ? taps * output.channels * weights.byteCount : 0),
      (record.bias, weights == .int8 ? PlanLayout.aligned(biasBytes) + biasBytes : biasBytes),
      multiplier: record.multiplier, weights, outputs: output.channels, index)
    guard weights == .int8 else { return }
    let flippedBias = record.flippedBias(channels: output.channels)
    for channel in 0..<output.channels {
      let bias = Int32(bitPattern: constants.u32(record.bias + 4 * channel))
      guard bias.magnitude < 1 << 30 else { throw .step(index: index, "biases below 2^30") }
      // 32768 products of 128 * 128 are 2^29: so much more of a bias, and of a sum with it.
      let flipped = Int32(bitPattern: constants.u32(flippedBias + 4 * channel))
      guard flipped.magnitude < 3 << 29 else {
        throw .step(index: index, "biases for int8 inputs below 3 * 2^29")
      }
    }
  }

  private func validateClamp(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    switch step.arithmetic.activations {
    case .float32:
      guard record.low == 0 || record.low == -Float.infinity, record.low <= record.high else {
        throw .step(index: index, "a lower bound of 0 or none, not above the upper one")
      }
    case .uint8:
      let zero = Float(tensor(step.output).zeroPoint)
      guard record.low + zero >= 0, record.high + zero <= 255, record.low <= record.high else {
        throw .step(index: index, "a clamp within 0 to 255")
      }
    }
  }

  private func validateAlgorithm(
    _ record: ConvolutionRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    let inputs = tensor(step.input).channels
    let arithmetic = step.arithmetic
    guard arithmetic.algorithm != .direct else {
      guard record.levels.isEmpty, record.transformed == 0, record.transformedPlace == .constants
      else { throw .step(index: index, "no transformed weights for direct sums") }
      return
    }
    guard record.kernelHeight == 3, record.strideY == 1,
      arithmetic.scratchByteCount(inputs: inputs) <= scratchByteCount
    else { throw .step(index: index, "a Winograd form that its shape and scratch allow") }
    let bytes = arithmetic.algorithm.transformedByteCount(
      inputs: inputs, outputs: tensor(step.output).channels)
    let isPlaced: Bool
    switch record.transformedPlace {
    case .constants: isPlaced = isWithinConstants(record.transformed, bytes)
    case .madeAtLoad: isPlaced = isWithin(loadTimeByteCount, record.transformed, bytes)
    }
    // Exact sums have the same bits without the form, so that it may be for some levels.
    if arithmetic.accumulator == .int32 {
      guard record.transformedPlace == .constants, !record.levels.isEmpty, inputs % 32 == 0,
        isPlaced
      else { throw .step(index: index, "transformed int8 weights that its constants hold") }
    } else {
      guard record.levels == .all, inputs % PlanLayout.channelBlock == 0 else {
        throw .step(index: index, "an fp16 Winograd form of whole blocks, for all levels")
      }
      guard isPlaced else { throw .step(index: index, "transformed fp16 weights with a place") }
    }
  }

  private func validatePool(
    _ record: PoolRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    try validateNoResidual(step, index)
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard 1...16 ~= record.kernelHeight, 1...16 ~= record.kernelWidth,
      1...16 ~= record.strideY, 1...16 ~= record.strideX,
      max(record.paddingTop, record.paddingBottom) < record.kernelHeight,
      max(record.paddingLeft, record.paddingRight) < record.kernelWidth
    else { throw .step(index: index, "a window and a stride of 1 to 16 and less padding") }
    guard input.format == step.arithmetic.activations, output.format == input.format,
      input.channels % PlanLayout.channelBlock == 0, output.channels == input.channels,
      record.outputHeight(input) == output.height, record.outputWidth(input) == output.width
    else { throw .step(index: index, "an output of the input's format and of the pool's shape") }
    guard
      record.reduction != .maximum
        || input.scale == output.scale && input.zeroPoint == output.zeroPoint
    else { throw .step(index: index, "the input's scale and zero point for a maximum") }
  }

  private func validateGlobalAverage(
    _ record: GlobalAverageRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    try validateNoResidual(step, index)
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard output.height == 1, output.width == 1, output.channels == input.channels,
      output.format == .float32, output.border == 0, input.format == step.arithmetic.activations,
      input.channels % PlanLayout.channelBlock == 0, input.height * input.width <= 65536,
      record.factor.isFinite, input.zeroPoint == 0
    else { throw .step(index: index, "float32 features of the input's channels") }
  }

  private func validateLinear(
    _ record: LinearRecord, _ step: StepRecord, _ index: Int
  ) throws(PlanError) {
    try validateNoResidual(step, index)
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard input.height == 1, input.width == 1, input.format == .float32, input.border == 0,
      output.height == 1, output.width == 1, output.format == .float32, output.border == 0,
      output.channels % PlanLayout.channelBlock == 0
    else { throw .step(index: index, "float32 vectors") }
    let weights = step.arithmetic.weights
    try validateConstants(
      (record.weights, input.channels * output.channels * weights.byteCount),
      (record.bias, output.channels * 4), multiplier: record.multiplier, weights,
      outputs: output.channels, index)
  }

  /// Weights and biases, each an offset and a number of bytes, and what int8 weights are multiplied by.
  private func validateConstants(
    _ weights: (Int, Int), _ bias: (Int, Int), multiplier: Int, _ format: WeightFormat,
    outputs: Int, _ index: Int
  ) throws(PlanError) {
    guard isWithinConstants(weights.0, weights.1), isWithinConstants(bias.0, bias.1),
      format != .int8 || isWithinConstants(multiplier, outputs * 4)
    else { throw .step(index: index, "aligned constants within their section") }
    guard format == .int8 else { return }
    for output in 0..<outputs {
      guard constants.f32(multiplier + 4 * output).isFinite else {
        throw .step(index: index, "finite multipliers")
      }
    }
  }

  private func isWithinConstants(_ offset: Int, _ count: Int) -> Bool {
    isWithin(constants.count, offset, count)
  }

  private func isWithin(_ total: Int, _ offset: Int, _ count: Int) -> Bool {
    offset % PlanLayout.alignment == 0 && offset <= total && count <= total - offset
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
        step.arithmetic.algorithm.transformedByteCount(
          inputs: tensor(step.input).channels, outputs: tensor(step.output).channels))
    }
    guard end == loadTimeByteCount else {
      throw .section(.steps, "as many bytes of transformed weights as the header says")
    }
  }

  private func validateOutputs() throws(PlanError) {
    for index in 0..<outputCount {
      let output = self.output(index)
      guard output.tensor < tensorCount, output.name < stringsByteCount,
        tensor(output.tensor).lastStep == stepCount - 1
      else { throw .section(.outputs, "tensors that live to the end and names in the strings") }
      let tensor = self.tensor(output.tensor)
      let isVector = tensor.height == 1 && tensor.width == 1 && tensor.border == 0
      guard output.role == .other || isVector && tensor.format == .float32 else {
        throw .section(.outputs, "float32 vectors of features and logits")
      }
    }
    guard !hasClassNames || classNameCount == tensor(logitsTensor).usedChannels else {
      throw .section(.classes, "as many names as classes, or none")
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
    return step.output == newIndex && step.residual == oldIndex && old.lastStep == new.firstStep
      && old.offset == new.offset && old.hasSameLayout(as: new)
  }
}
