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
  private let activations: [ActivationScale]
  /// The Winograd forms of fp16 and float32 operations, by their indices.
  var floatForms: [Int: Arithmetic.Algorithm] = [:]
  /// Append the weights of which a session makes others, in the order of steps. They come last in the constants,
  /// so that inference touches no page with them.
  var loadTimeSources: [(inout PlanSections) -> Int] = []
  var sections = PlanSections()
  var header = PlanHeader()

  init(_ scheme: QuantizationScheme, _ options: PlanOptions) {
    formats = PlanFormats(scheme)
    self.scheme = scheme
    activations = Self.scales(scheme)
    self.options = options
  }

  var graph: Program { scheme.model.program }
  private var preprocessing: PreprocessingRecord { scheme.model.preprocessing }

  func scale(_ tensor: Int) -> ActivationScale {
    formats.tensors[tensor] == .uint8 && !activations.isEmpty
      ? activations[tensor] : ActivationScale(low: 0, high: 255)
  }

  /// The scales of a scheme, with one for both tensors of a max pool: the output's, if nothing else reads the
  /// input.
  private static func scales(_ scheme: QuantizationScheme) -> [ActivationScale] {
    var scales = scheme.activations
    guard !scales.isEmpty else { return [] }
    let program = scheme.model.program
    let pools = program.operations.filter {
      if case .maxPool = $0.kind { true } else { false }
    }
    for pool in pools.reversed() {
      let readers = program.operations.count {
        $0.kind != .input && $0.input == pool.input || $0.residual == pool.input
      }
      if readers == 1 { scales[pool.input] = scales[pool.output] }
    }
    for pool in pools { scales[pool.output] = scales[pool.input] }
    return scales
  }

  mutating func build() throws(PlanningError) -> [UInt8] {
    var tensors = tensorRecords()
    header.arenaByteCount = place(&tensors)
    floatForms = chooseFloatForms()
    var steps: [StepRecord] = []
    for index in graph.operations.indices { steps.append(try step(index, tensors)) }
    for index in steps.indices {
      guard var record = steps[index].operation.convolution,
        record.transformedPlace == .madeAtLoad
      else { continue }
      record.weights = loadTimeSources.removeFirst()(&sections)
      steps[index].operation = .convolution(record)
    }
    let outputs = graph.outputs.map {
      OutputRecord(
        role: OutputRecord.Role($0.role), tensor: $0.tensor, name: sections.string($0.name))
    }
    var model = ModelRecord()
    model.imageHeight = graph.inputHeight
    model.imageWidth = graph.inputWidth
    model.summary = sections.string(graph.name)
    return sections.assemble(
      header,
      model: model, preprocessing: preprocessing, classNames: options.classNames,
      provenance: options.provenance, tensors: tensors, steps: steps, outputs: outputs)
  }

  private mutating func tensorRecords() -> [TensorRecord] {
    let lifetimes = graph.lifetimes
    return graph.tensors.indices.map { index in
      let tensor = graph.tensors[index]
      var record = TensorRecord()
      record.height = tensor.height
      record.width = tensor.width
      record.channels = graph.storedChannels(of: index)
      record.usedChannels = tensor.channels
      record.border = tensor.border
      record.format = formats.tensors[index]
      if record.format == .uint8 {
        let scale = self.scale(index)
        record.scale = scale.scale
        record.zeroPoint = scale.zeroPoint
        record.borderPattern = borderPattern(index, scale)
        record.lowerBytes = formats.lowerBytes[index]
      }
      record.firstStep = lifetimes[index].lowerBound
      record.lastStep =
        options.keepsTensors ? graph.operations.count - 1 : lifetimes[index].upperBound
      record.name = sections.string(tensor.name)
      return record
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
    // A sum that is written in place of its residual shares that one's buffer, unless the residual is read after the
    // run.
    let kept = Set(options.keepsTensors ? Array(tensors.indices) : graph.outputs.map(\.tensor))
    var bufferOfTensor = [Int](repeating: -1, count: tensors.count)
    var buffers: [ArenaPlanner.Buffer] = []
    for (index, operation) in graph.operations.enumerated() {
      let output = operation.output
      if let residual = operation.residual, tensors[residual].lastStep == index,
        tensors[residual].hasSameLayout(as: tensors[output]), residual != operation.input,
        !kept.contains(residual)
      {
        let buffer = bufferOfTensor[residual]
        bufferOfTensor[output] = buffer
        // Either may have lower bytes without the other.
        buffers[buffer].byteCount = max(
          buffers[buffer].byteCount, tensors[output].storageByteCount)
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
    let arithmetic = formats.operations[index]
    // The model quantizes and packs int8 layers itself.
    let operation =
      arithmetic.weights == .int8 ? graph.operations[index] : scheme.model.operation(index)
    var step = StepRecord()
    step.input = operation.input
    step.output = operation.output
    step.residual = operation.residual ?? StepRecord.noTensor
    step.arithmetic = arithmetic
    step.name = sections.string(operation.name)
    step.block = sections.string(operation.block)
    step.multiplications = operation.multiplications
    let input = tensors[operation.input]
    let output = tensors[operation.output]
    switch operation.kind {
    case .input: step.operation = .input
    case .stem(let stem):
      let record = try record(stem, index, tensors, &step.arithmetic)
      step.operation = .stem(record)
    case .convolution(let convolution):
      let record = try record(
        convolution, index, tensors, &step.arithmetic, floatForms[index, default: .direct])
      step.operation = .convolution(record)
    case .maxPool(let pool): step.operation = .pool(PoolRecord(pool, .maximum))
    case .averagePool(let pool):
      step.operation = .pool(PoolRecord(pool, pool.countsPadding ? .paddedMean : .mean))
    case .globalAverage:
      let scale = input.format == .uint8 ? Double(self.scale(operation.input).scale) : 1
      step.operation = .globalAverage(
        GlobalAverageRecord(factor: Float(scale / Double(input.height * input.width))))
    case .linear(let layer):
      step.operation = .linear(try record(layer, index, step.arithmetic.weights))
    case .blurPool(let stride):
      step.operation = .pool(
        PoolRecord(Network.Pool(kernel: 3, stride: stride, padding: 1), .blur))
    case .sigmoid: step.operation = .sigmoid
    case .scale(let scale): step.operation = .scale(record(scale, index, tensors))
    }
    header.scratchByteCount = max(
      header.scratchByteCount, step.scratchByteCount(input: input, output: output))
    return step
  }

  private mutating func record(
    _ convolution: Convolution, _ index: Int, _ tensors: [TensorRecord],
    _ arithmetic: inout Arithmetic, _ algorithm: Arithmetic.Algorithm = .direct
  ) throws(PlanningError) -> ConvolutionRecord {
    let operation = graph.operations[index]
    var record = ConvolutionRecord(convolution, inputs: tensors[operation.input].channels)
    let layout = graph.weightLayout(of: index)!
    switch arithmetic.weights {
    case .int8:
      if let coding = scheme.codings[operation.name] {
        arithmetic.algorithm = coding.form
        try code(&record, index, coding, tensors)
      } else {
        quantize(&record, index, tensors)
      }
      return record
    case .float32:
      arithmetic.algorithm = algorithm
      append(
        layout.packed(convolution.weights), to: &record, index, arithmetic, rn_winograd_f32_weights)
    case .float16:
      let weights = try halves(convolution)
      if convolution.isDense, canSumInHalves(convolution, of: operation.input, algorithm) {
        arithmetic.accumulator = .float16
      }
      arithmetic.algorithm = algorithm
      append(layout.packed(weights), to: &record, index, arithmetic, rn_winograd_f16_weights)
    }
    record.low = operation.isRectified ? 0 : -.infinity
    record.high = operation.upper
    record.bias = sections.append(padded(convolution.bias))
    return record
  }

  private mutating func quantize(
    _ record: inout ConvolutionRecord, _ index: Int, _ tensors: [TensorRecord]
  ) {
    let operation = graph.operations[index]
    let output = scale(operation.output)
    let layer = scheme.model.int8Layer(
      index, LayerScales(input: scale(operation.input), output: output, means: means(index)))
    setRange(&record, index, tensors)
    record.weights = sections.append(layer.weights)
    record.bias = sections.append(layer.bias)
    let flipped = sections.append(layer.flippedBias)
    precondition(flipped == record.flippedBias(count: layer.bias.count))
    let units = Float(tensors[operation.output].unitsPerStep)
    record.multiplier = sections.append(layer.multiplier.map { $0 * units })
  }

  /// Sets the clamp and the factor of the residual.
  func setRange(_ record: inout ConvolutionRecord, _ index: Int, _ tensors: [TensorRecord]) {
    let operation = graph.operations[index]
    (record.low, record.high) = range(index, tensors)
    if let residual = operation.residual {
      record.residualFactor = Float(units(of: residual, per: operation.output, tensors))
    }
  }

  /// The clamp of an int8 operation, in the output's units.
  private func range(_ index: Int, _ tensors: [TensorRecord]) -> (low: Float, high: Float) {
    let operation = graph.operations[index]
    let clamp = Quantizer.clamp(
      scale(operation.output), isRectified: operation.isRectified, upper: operation.upper)
    // A power of two: exact.
    let units = Float(tensors[operation.output].unitsPerStep)
    return (clamp.low * units, clamp.high * units)
  }

  /// How many units of one tensor a unit of another is: steps of their scales, or 256ths.
  private func units(of tensor: Int, per other: Int, _ tensors: [TensorRecord]) -> Double {
    let steps = Double(scale(tensor).scale) / Double(scale(other).scale)
    return steps * Double(tensors[other].unitsPerStep) / Double(tensors[tensor].unitsPerStep)
  }

  /// A scale of channels, in the units of its tensors.
  private mutating func record(
    _ channels: ChannelScale, _ index: Int, _ tensors: [TensorRecord]
  ) -> ScaleRecord {
    let operation = graph.operations[index]
    let count = tensors[operation.output].channels
    let isInt8 = tensors[operation.output].format == .uint8
    let steps = isInt8 ? units(of: operation.input, per: operation.output, tensors) : 1
    let unit =
      isInt8
      ? Double(tensors[operation.output].unitsPerStep) / Double(scale(operation.output).scale) : 1
    func constants(_ values: [Float]?, default value: Double, times factor: Double) -> [Float] {
      let own = values?.map { Float(Double($0) * factor) }
      return own.map { padded($0) } ?? [Float](repeating: Float(value * factor), count: count)
    }
    var record = ScaleRecord()
    if let gate = operation.gate {
      (record.gate, record.gateFactor) = (gate, Float(steps))
    } else {
      record.multiplier = sections.append(constants(channels.multiplier, default: 1, times: steps))
    }
    record.offset = sections.append(constants(channels.offset, default: 0, times: unit))
    if let slope = channels.slope {
      record.slopes = .perChannel
      record.slope = sections.append(padded(slope))
    }
    if isInt8 {
      (record.low, record.high) = range(index, tensors)
    } else {
      (record.low, record.high) = (operation.isRectified ? 0 : -.infinity, operation.upper)
    }
    if let residual = operation.residual {
      record.residualFactor =
        isInt8 ? Float(units(of: residual, per: operation.output, tensors)) : 1
    }
    return record
  }

  /// What the bias of an int8 layer is corrected by.
  func means(_ index: Int) -> LayerMeans? {
    let (means, quantized) = (scheme.channelMeans, scheme.quantizedMeans)
    guard !means.isEmpty else { return nil }
    let operation = graph.operations[index]
    guard !quantized.isEmpty else { return LayerMeans(input: means[operation.input]) }
    let shift = operation.residual.map { zip(quantized[$0], means[$0]).map(-) }
    return LayerMeans(
      input: means[operation.input], quantizedInput: quantized[operation.input],
      residualShift: shift ?? [])
  }

  private mutating func record(
    _ layer: Convolution, _ index: Int, _ format: WeightFormat
  ) throws(PlanningError) -> LinearRecord {
    var record = LinearRecord()
    let operation = graph.operations[index]
    (record.low, record.high) = (operation.isRectified ? 0 : -.infinity, operation.upper)
    let layout = graph.weightLayout(of: index)!
    switch format {
    case .int8:
      let int8 = scheme.model.int8Layer(index, LayerScales(means: means(index)))
      record.weights = sections.append(int8.weights)
      record.multiplier = sections.append(int8.multiplier)
      record.bias = sections.append(padded(int8.floatBias))
      return record
    case .float32: record.weights = sections.append(layout.packed(layer.weights))
    case .float16: record.weights = sections.append(layout.packed(try halves(layer)))
    }
    record.bias = sections.append(padded(layer.bias))
    return record
  }
}

extension ConvolutionRecord {
  /// - Parameter inputs: the stored channels of the input.
  fileprivate init(_ convolution: Convolution, inputs: Int) {
    self.init()
    (kernelHeight, kernelWidth) = (convolution.kernelSize, convolution.kernelSize)
    (strideY, strideX) = (convolution.stride, convolution.stride)
    (dilationY, dilationX) = (convolution.dilation, convolution.dilation)
    (paddingTop, paddingLeft) = (convolution.padding.top, convolution.padding.left)
    (paddingBottom, paddingRight) = (convolution.padding.bottom, convolution.padding.right)
    groups = convolution.groupWidth.map { inputs / $0 } ?? 1
  }
}

extension PoolRecord {
  fileprivate init(_ pool: Network.Pool, _ reduction: Reduction) {
    self.init()
    self.reduction = reduction
    (kernelHeight, kernelWidth) = (pool.kernel.height, pool.kernel.width)
    (strideY, strideX) = (pool.stride.height, pool.stride.width)
    (paddingTop, paddingLeft) = (pool.padding.top, pool.padding.left)
    (paddingBottom, paddingRight) = (pool.padding.bottom, pool.padding.right)
  }
}

extension OutputRecord.Role {
  fileprivate init(_ role: Network.Output.Role) {
    switch role {
    case .other: self = .other
    case .features: self = .features
    case .logits: self = .logits
    }
  }
}
