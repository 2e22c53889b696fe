// SPDX-License-Identifier: Apache-2.0

// The rules that make a plan safe to run. They hold for hostile files too, so that the executor
// and the kernels need no checks of their own.

import CResNetKernels

extension PlanView {
  func validate() throws(PlanError) {
    try validateModel()
    for index in 0..<tensorCount { try validateTensor(index) }
    for index in 0..<stepCount { try validateStep(index) }
    try validateMadeWeights()
    try validateOutputs()
    try validateArena()
  }

  private func validateModel() throws(PlanError) {
    guard 1...65536 ~= model.classCount, 1...65536 ~= model.featureCount,
      32...1024 ~= model.inputSize,
      model.featuresTensor < tensorCount, model.logitsTensor < tensorCount
    else { throw .section(.model, "classes, features, image and tensors in range") }
    guard preprocessing.crop == model.inputSize, preprocessing.crop <= preprocessing.resize,
      preprocessing.resize <= 4096
    else { throw .section(.preprocessing, "a crop equal to the image size and at most the resize") }
    for channel in 0..<3 {
      guard preprocessing.mean[channel].isFinite, preprocessing.std[channel].isFinite,
        preprocessing.std[channel] > 0
      else { throw .section(.preprocessing, "finite means and positive stds") }
    }
    guard !hasClassNames || classNameCount == model.classCount else {
      throw .section(.classes, "as many names as classes, or none")
    }
  }

  private func validateTensor(_ index: Int) throws(PlanError) {
    guard let tensor = rawTensor(index), tensor.format != .f16 else {
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
    guard tensor.format == .q8 ? isImage || isUniform : tensor.borderPattern == 0 else {
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
    guard step.winograd == nil || step.operation == .convolution else {
      throw .step(index: index, "a Winograd form at convolutions only")
    }
    guard
      !step.hasHalfSums
        || step.format == .f16 && (step.operation == .convolution || step.operation == .stem)
    else { throw .step(index: index, "fp16 sums at convolutions with fp16 weights only") }
    guard !step.hasResidual || step.operation == .convolution else {
      throw .step(index: index, "a residual at convolutions only")
    }
    switch step.operation {
    case .input: try validateInput(step, index)
    case .stem, .convolution: try validateConvolution(step, index)
    case .averagePool: try validateAveragePool(step, index)
    case .linear: try validateLinear(step, index)
    }
  }

  private func validateSource(_ source: Int, of index: Int) throws(PlanError) {
    guard source < tensorCount, tensor(source).firstStep < index, index <= tensor(source).lastStep
    else { throw .step(index: index, "sources that were written before and are still live") }
  }

  private func validateInput(_ step: StepRecord, _ index: Int) throws(PlanError) {
    let output = tensor(step.output)
    guard output.channels == 3, output.height == model.inputSize, output.width == model.inputSize,
      output.format == step.format
    else { throw .step(index: index, "an output of the image's size with 3 channels") }
  }

  private func validateConvolution(_ step: StepRecord, _ index: Int) throws(PlanError) {
    let input = tensor(step.input)
    let output = tensor(step.output)
    // A float32 or fp16 convolution may convert; an image has no scale to convert by.
    let format = step.format.activations
    let converts = format == .f32
    guard 1...7 ~= step.kernelSize, 1...2 ~= step.stride, step.padding <= input.border,
      input.format == format
        || converts && step.operation == .convolution && input.channels != 3,
      output.format == format || converts
    else { throw .step(index: index, "kernel, stride, padding and formats that its tensors have") }
    guard output.channels % PlanLayout.channelBlock == 0 else {
      throw .step(index: index, "an output in whole blocks of channels")
    }
    var height = convolved(input.height, step)
    var width = convolved(input.width, step)
    if step.operation == .stem {
      // The maximum pads with zeros, which is right for rectified values alone.
      guard step.low == 0, output.zeroPoint == 0 else {
        throw .step(index: index, "a rectified output with zero point 0")
      }
      guard height > 0, width > 0,
        step.stemScratchByteCount(width: width, output) <= scratchByteCount
      else { throw .step(index: index, "scratch memory for its rows") }
      height = (height + 1) / 2
      width = (width + 1) / 2
    }
    guard height == output.height, width == output.width else {
      throw .step(index: index, "an output of the shape that the convolution has")
    }
    if step.hasResidual {
      let residual = tensor(step.residual)
      guard residual.height == output.height, residual.width == output.width,
        residual.channels == output.channels, residual.format == format || converts,
        step.residual != step.input, step.factor.isFinite
      else { throw .step(index: index, "a residual of the output's shape") }
    }
    // 32768 products of 255 * 128 and a bias below 2^30 stay within int32.
    let taps = step.kernelSize * step.run(input)
    guard taps <= 32768 else { throw .step(index: index, "at most 32768 products in a sum") }
    try validateClamp(step, index)
    if let winograd = step.winograd { try validate(winograd, step, index, input, output) }
    if converts, step.operation == .convolution {
      guard StripLayout(step, input: input, output: output).byteCount <= scratchByteCount else {
        throw .step(index: index, "scratch memory for a strip of rows")
      }
    }
    try validateConstants(
      step, index, taps: taps, outputs: output.channels, biasesAreIntegers: true)
  }

  private func validate(
    _ winograd: WinogradRecord, _ step: StepRecord, _ index: Int, _ input: TensorRecord,
    _ output: TensorRecord
  ) throws(PlanError) {
    guard winograd.isKnown, winograd.levels != 0, step.operation == .convolution,
      step.kernelSize == 3, step.stride == 1,
      winograd.scratchByteCount(inputs: input.channels, format: step.format) <= scratchByteCount
    else { throw .step(index: index, "a Winograd form that its shape and scratch allow") }
    let bytes = winograd.byteCount(inputs: input.channels, outputs: output.channels)
    switch step.format {
    case .q8:
      guard !winograd.isMadeBySession, input.channels % 32 == 0,
        isWithinConstants(winograd.weights, bytes)
      else { throw .step(index: index, "transformed int8 weights that its constants hold") }
    case .f16:
      guard winograd.levels == WinogradRecord.allLevels,
        input.channels % PlanLayout.channelBlock == 0
      else { throw .step(index: index, "an fp16 Winograd form of whole blocks, for all levels") }
      let strip = StripLayout(step, input: input, output: output)
      guard
        strip.byteCount + winograd.scratchByteCount(inputs: input.channels, format: .f16)
          <= scratchByteCount
      else { throw .step(index: index, "scratch memory for a strip of rows and its tiles") }
      guard
        winograd.isMadeBySession
          ? isWithin(madeByteCount, winograd.weights, bytes)
          : isWithinConstants(winograd.weights, bytes)
      else { throw .step(index: index, "transformed fp16 weights with a place") }
    case .f32: throw .step(index: index, "no Winograd form in float32")
    }
  }

  private func convolved(_ size: Int, _ step: StepRecord) -> Int {
    let reach = size + 2 * step.padding - step.kernelSize
    return reach < 0 ? 0 : reach / step.stride + 1
  }

  private func validateClamp(_ step: StepRecord, _ index: Int) throws(PlanError) {
    guard step.format == .q8 else {
      guard step.low == 0 || step.low == -Float.infinity else {
        throw .step(index: index, "a lower bound of 0 or none")
      }
      return
    }
    let zero = Float(tensor(step.output).zeroPoint)
    guard step.low + zero >= 0, step.high + zero <= 255, step.low <= step.high else {
      throw .step(index: index, "a clamp within 0 to 255")
    }
  }

  private func validateAveragePool(_ step: StepRecord, _ index: Int) throws(PlanError) {
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard output.height == 1, output.width == 1, output.channels == input.channels,
      output.format == .f32, output.border == 0, input.format == step.format,
      input.channels % PlanLayout.channelBlock == 0, input.height * input.width <= 65536,
      step.factor.isFinite, input.zeroPoint == 0
    else { throw .step(index: index, "float32 features of the input's channels") }
  }

  private func validateLinear(_ step: StepRecord, _ index: Int) throws(PlanError) {
    let input = tensor(step.input)
    let output = tensor(step.output)
    guard input.height == 1, input.width == 1, input.format == .f32, input.border == 0,
      output.height == 1, output.width == 1, output.format == .f32, output.border == 0,
      output.channels % PlanLayout.channelBlock == 0
    else { throw .step(index: index, "float32 vectors") }
    guard step.kernelSize == 0, step.stride == 0, step.padding == 0 else {
      throw .step(index: index, "no kernel size, stride and padding")
    }
    guard step.format == .q8 || step.low == -Float.infinity else {
      throw .step(index: index, "logits without a lower bound")
    }
    try validateConstants(
      step, index, taps: input.channels, outputs: output.channels, biasesAreIntegers: false)
  }

  private func validateConstants(
    _ step: StepRecord, _ index: Int, taps: Int, outputs: Int, biasesAreIntegers: Bool
  ) throws(PlanError) {
    // An fp16 convolution may have its transformed weights alone.
    let isTransformed = step.format == .f16 && step.winograd.map { !$0.isMadeBySession } ?? false
    guard !isTransformed || step.weights == 0 else {
      throw .step(index: index, "no plain weights beside stored transformed ones")
    }
    let weightBytes = isTransformed ? 0 : taps * outputs * step.format.byteCount
    let hasFlipped = biasesAreIntegers && step.format == .q8
    let biasBytes = outputs * 4 + (hasFlipped ? PlanLayout.aligned(outputs * 4) : 0)
    guard isWithinConstants(step.weights, weightBytes), isWithinConstants(step.bias, biasBytes),
      step.format != .q8 || isWithinConstants(step.multiplier, outputs * 4)
    else { throw .step(index: index, "aligned constants within their section") }
    guard step.format == .q8 else { return }
    for output in 0..<outputs {
      guard constants.f32(step.multiplier + 4 * output).isFinite else {
        throw .step(index: index, "finite multipliers")
      }
      if biasesAreIntegers { try validateBias(step, index, output, outputs: outputs) }
    }
  }

  private func validateBias(
    _ step: StepRecord, _ index: Int, _ output: Int, outputs: Int
  ) throws(PlanError) {
    let bias = Int32(bitPattern: constants.u32(step.bias + 4 * output))
    guard bias.magnitude < 1 << 30 else { throw .step(index: index, "biases below 2^30") }
    // 32768 products of 128 * 128 are 2^29: so much more of a bias, and of a sum with it.
    let flipped = Int32(
      bitPattern: constants.u32(step.flippedBias(channels: outputs) + 4 * output))
    guard flipped.magnitude < 3 << 29 else {
      throw .step(index: index, "biases for int8 inputs below 3 * 2^29")
    }
  }

  private func isWithinConstants(_ offset: Int, _ count: Int) -> Bool {
    isWithin(constants.count, offset, count)
  }

  private func isWithin(_ total: Int, _ offset: Int, _ count: Int) -> Bool {
    offset % PlanLayout.alignment == 0 && offset <= total && count <= total - offset
  }

  /// What a session makes lies in the order of steps without gaps or overlaps.
  private func validateMadeWeights() throws(PlanError) {
    var end = 0
    for index in 0..<stepCount {
      let step = self.step(index)
      guard let winograd = step.winograd, winograd.isMadeBySession else { continue }
      guard winograd.weights == end else {
        throw .step(index: index, "transformed weights behind those of earlier steps")
      }
      end += PlanLayout.aligned(
        winograd.byteCount(
          inputs: tensor(step.input).channels, outputs: tensor(step.output).channels))
    }
    guard end == madeByteCount else {
      throw .section(.steps, "as many bytes of transformed weights as the header says")
    }
  }

  private func validateOutputs() throws(PlanError) {
    let features = tensor(model.featuresTensor)
    let logits = tensor(model.logitsTensor)
    guard features.format == .f32, logits.format == .f32, features.height * features.width == 1,
      logits.height * logits.width == 1, features.border == 0, logits.border == 0,
      features.usedChannels == model.featureCount, logits.usedChannels == model.classCount,
      features.lastStep == stepCount - 1, logits.lastStep == stepCount - 1
    else { throw .section(.model, "float32 features and logits that live to the end") }
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
