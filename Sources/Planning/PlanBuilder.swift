// SPDX-License-Identifier: Apache-2.0

import CResNetKernels
import ResNetModelGraph
import ResNetPlanFormat

/// Collects the records and constants of one plan.
struct PlanBuilder {
  let scheme: QuantizationScheme
  let options: PlanOptions
  /// The formats of operations and tensors.
  let formats: PlanFormats
  /// The Winograd forms of fp16 operations, by their indices.
  var halfForms: [Int: WinogradForm] = [:]
  /// The weights of which a session makes others, in the order of steps. They come last in the constants, so
  /// that inference touches no page with them.
  var sources: [[UInt16]] = []
  var sections = PlanSections()
  var memory = PlanMemory()

  init(_ scheme: QuantizationScheme, _ options: PlanOptions) {
    formats = PlanFormats(scheme)
    self.scheme = scheme
    self.options = options
  }

  var graph: Program { scheme.model.program }
  private var preprocessing: PreprocessingRecord { scheme.model.preprocessing }

  func scale(_ tensor: Int) -> ActivationScale {
    formats.tensors[tensor] == .q8 && !scheme.activations.isEmpty
      ? scheme.activations[tensor] : ActivationScale(low: 0, high: 255)
  }

  mutating func build() throws(PlanningError) -> [UInt8] {
    var tensors = tensorRecords()
    memory.arena = place(&tensors)
    halfForms = chooseHalfForms()
    var steps: [StepRecord] = []
    for index in graph.operations.indices { steps.append(try step(index, tensors)) }
    let made = steps.indices.filter { steps[$0].winograd?.isMadeBySession ?? false }
    for (index, weights) in zip(made, sources) { steps[index].weights = sections.append(weights) }
    return sections.assemble(
      model: modelRecord(), preprocessing: preprocessing, classNames: options.classNames,
      provenance: options.provenance,
      tensors: tensors, steps: steps, memory: memory)
  }

  private func modelRecord() -> ModelRecord {
    ModelRecord(
      classCount: graph.classCount, featureCount: graph.tensors[graph.featuresTensor].channels,
      precision: scheme.weights.element, inputSize: graph.inputSize,
      featuresTensor: graph.featuresTensor, logitsTensor: graph.logitsTensor)
  }

  private mutating func tensorRecords() -> [TensorRecord] {
    let lifetimes = graph.lifetimes
    return graph.tensors.indices.map { index in
      let tensor = graph.tensors[index]
      let format = formats.tensors[index]
      let scale = self.scale(index)
      return TensorRecord(
        offset: 0, height: tensor.height, width: tensor.width,
        channels: graph.storedChannels(of: index), usedChannels: tensor.channels,
        border: tensor.border, format: format, scale: format == .q8 ? scale.scale : 1,
        zeroPoint: format == .q8 ? scale.zeroPoint : 0,
        borderPattern: format == .q8 ? borderPattern(index, scale) : 0,
        firstStep: lifetimes[index].lowerBound,
        lastStep: options.keepsTensors ? graph.operations.count - 1 : lifetimes[index].upperBound,
        name: sections.string(tensor.name))
    }
  }

  /// The image's padding is the mean colour, which normalisation makes 0; to the nearest byte.
  private func borderPattern(_ tensor: Int, _ scale: ActivationScale) -> UInt32 {
    guard tensor == graph.operations[0].output else {
      return UInt32(scale.zeroPoint) * 0x0101_0101
    }
    return (0..<3).reduce(0) { pattern, channel in
      let byte = (255 * preprocessing.mean[channel]).rounded(.toNearestOrEven)
      return pattern | UInt32(min(max(byte, 0), 255)) << (8 * UInt32(channel))
    }
  }

  /// Sets the offsets of all tensors and returns the size of the arena.
  private func place(_ tensors: inout [TensorRecord]) -> Int {
    // A sum that is written in place of its residual shares that one's buffer.
    var bufferOfTensor = [Int](repeating: -1, count: tensors.count)
    var buffers: [ArenaPlanner.Buffer] = []
    for (index, operation) in graph.operations.enumerated() {
      let output = operation.output
      if let residual = operation.residual, tensors[residual].lastStep == index,
        tensors[residual].hasSameLayout(as: tensors[output]), residual != operation.input
      {
        let buffer = bufferOfTensor[residual]
        bufferOfTensor[output] = buffer
        buffers[buffer].lifetime =
          buffers[buffer].lifetime.lowerBound...tensors[output].lastStep
      } else {
        bufferOfTensor[output] = buffers.count
        buffers.append(
          ArenaPlanner.Buffer(
            byteCount: tensors[output].storageByteCount,
            lifetime: tensors[output].firstStep...tensors[output].lastStep))
      }
    }
    let placement = ArenaPlanner.place(buffers, alignment: PlanLayout.alignment)
    for index in tensors.indices {
      tensors[index].offset = placement.offsets[bufferOfTensor[index]]
    }
    return placement.byteCount
  }

  private mutating func step(
    _ index: Int, _ tensors: [TensorRecord]
  ) throws(PlanningError) -> StepRecord {
    let format = formats.operations[index]
    // The model quantizes and packs int8 layers itself.
    let operation = format == .q8 ? graph.operations[index] : scheme.model.operation(index)
    let output = tensors[operation.output]
    var record = StepRecord(
      operation: .input, input: operation.input, output: operation.output,
      residual: operation.residual ?? StepRecord.noTensor, format: format,
      name: sections.string(operation.name), block: sections.string(operation.block),
      multiplications: operation.multiplications)
    switch operation.kind {
    case .input:
      break
    case .stem(let stem):
      record.operation = .stem
      try fill(&record, stem, index)
      let width = stem.outputSize(graph.tensors[operation.input].width)
      memory.scratch = max(
        memory.scratch, record.stemScratchByteCount(width: width, output))
    case .convolution(let convolution):
      record.operation = .convolution
      try fill(&record, convolution, index, halfForms[index])
      if format != .q8 {
        let input = tensors[operation.input]
        let tiles =
          record.winograd?.scratchByteCount(inputs: input.channels, format: format) ?? 0
        let strip = StripLayout(record, input: input, output: output)
        memory.scratch = max(memory.scratch, strip.byteCount + tiles)
      }
    case .averagePool:
      record.operation = .averagePool
      let input = graph.tensors[operation.input]
      let scale = format == .q8 ? Double(self.scale(operation.input).scale) : 1
      record.factor = Float(scale / Double(input.height * input.width))
    case .linear(let linear):
      record.operation = .linear
      try fill(&record, linear, index)
    }
    return record
  }

  private mutating func fill(
    _ record: inout StepRecord, _ convolution: Convolution, _ index: Int,
    _ form: WinogradForm? = nil
  ) throws(PlanningError) {
    let operation = graph.operations[index]
    record.kernelSize = convolution.kernelSize
    record.stride = convolution.stride
    record.padding = convolution.padding
    let inputs = graph.storedChannels(of: operation.input)
    guard record.format == .q8 else {
      record.low = operation.isRectified ? 0 : -.infinity
      if record.format == .f32 {
        record.weights = sections.append(
          packed(convolution.weights, convolution, inputs: inputs, group: 1, zero: 0))
      } else {
        let weights = try halves(convolution.weights, convolution.name)
        record.hasHalfSums = canSumInHalves(convolution, of: operation.input, form)
        append(
          packed(weights, convolution, inputs: inputs, group: 1, zero: 0), to: &record, form,
          inputs: inputs, outputs: paddedChannels(convolution.outputChannels))
      }
      record.bias = sections.append(padded(convolution.bias, with: 0))
      return
    }
    let output = scale(operation.output)
    let means = scheme.channelMeans.isEmpty ? nil : scheme.channelMeans[operation.input]
    let layer = scheme.model.int8Layer(
      index, LayerScales(input: scale(operation.input), output: output, means: means))
    (record.low, record.high) = Quantizer.clamp(output, isRectified: operation.isRectified)
    if let residual = operation.residual {
      record.factor = Float(Double(scale(residual).scale) / Double(output.scale))
    }
    record.weights = sections.append(layer.weights)
    if record.operation == .convolution, convolution.kernelSize == 3, convolution.stride == 1 {
      record.winograd = winograd(
        of: layer.weights, inputs: inputs, output: graph.tensors[operation.output])
    }
    record.bias = sections.append(layer.bias)
    let flipped = sections.append(layer.flippedBias)
    precondition(
      flipped == record.flippedBias(channels: paddedChannels(convolution.outputChannels)))
    record.multiplier = sections.append(layer.multiplier)
  }

  /// Stores the transformed weights of the form that pays on the targets, if there is one.
  private mutating func winograd(
    of weights: [Int8], inputs: Int, output: Program.Tensor
  ) -> WinogradRecord? {
    let shape = WinogradShape(
      height: output.height, width: output.width, inputs: inputs,
      outputs: paddedChannels(output.channels))
    guard let choice = chooseWinograd(weights, shape, targets: options.targets) else { return nil }
    let record = WinogradRecord(
      tileHeight: choice.form.height, tileWidth: choice.form.width,
      levels: choice.targets.reduce(0) { $0 | 1 << $1.level },
      weights: sections.append(choice.form.transformed(weights, shape)))
    memory.scratch = max(memory.scratch, record.scratchByteCount(inputs: inputs, format: .q8))
    return record
  }

  private mutating func fill(
    _ record: inout StepRecord, _ linear: Linear, _ index: Int
  ) throws(PlanningError) {
    switch record.format {
    case .q8:
      let layer = scheme.model.int8Layer(index, LayerScales())
      record.weights = sections.append(layer.weights)
      record.multiplier = sections.append(layer.multiplier)
    case .f32:
      record.low = -.infinity
      record.weights = sections.append(packed(linear.weights, linear, zero: 0))
    case .f16:
      record.low = -.infinity
      record.weights = sections.append(
        packed(try halves(linear.weights, linear.name), linear, zero: 0))
    }
    record.bias = sections.append(padded(linear.bias, with: 0))
  }
}
