// SPDX-License-Identifier: Apache-2.0

extension Program {
  /// Makes the program of a network for images of `height` × `width` (32…2048) pixels.
  ///
  /// Batch norms are folded if they are not yet, and so are the average pools of shortcuts that no window overhangs;
  /// each ReLU and each sum is fused into the convolution before it. No branch is dropped: see
  /// `Network.dropDeadBranches()`.
  ///
  /// - Throws: `GraphError.unfit` for the first layer that cannot be executed, with what is expected of
  ///   it; `.nonFiniteFold`.
  /// - **Allocates:** for weights, four times those of each shortcut whose pool is folded, and nothing else if the batch
  ///   norms are folded.
  public init(_ network: consuming Network, height: Int, width: Int) throws(GraphError) {
    try network.check()
    try network.foldBatchNorms()
    network.removeUnused()
    var lowering = Lowering(network, Program(name: network.name, height: height, width: width))
    self = try lowering.run()
  }

  /// The same for square images.
  public init(_ network: consuming Network, inputSize: Int) throws(GraphError) {
    try self.init(network, height: inputSize, width: inputSize)
  }
}

/// Turns layers into operations.
private struct Lowering {
  private var network: Network
  private let uses: Network.Uses
  private var program: Program
  /// The tensor of each value that is kept in one.
  private var tensors: [String: Int] = [:]
  /// Tensors that are float32 vectors, in every format of a plan.
  private var vectors: Set<Int> = []
  /// Layers that are part of an operation before them, or of a sum behind them.
  private var isFused: Set<Int> = []
  private var hasStem = false

  init(_ network: Network, _ program: Program) {
    self.network = network
    self.program = program
    uses = Network.Uses(network)
  }

  mutating func run() throws(GraphError) -> Program {
    append(
      .input, ("input", "stem"), input: 0,
      Program.Tensor(
        name: Network.image, height: program.inputHeight, width: program.inputWidth, channels: 3))
    for sum in network.layers.indices where network.layers[sum].kind == .add {
      if let summand = summand(of: sum) { isFused.insert(summand) }
    }
    for index in network.layers.indices where !isFused.contains(index) { try lower(index) }
    for output in network.outputs {
      guard let tensor = tensors[output.value] else {
        throw .unfit(
          layer: output.name, expected: "an output that a layer makes", found: quoted(output.value))
      }
      // A role promises a vector.
      let role = vectors.contains(tensor) ? output.role : .other
      program.outputs.append(Program.Output(name: output.name, role: role, tensor: tensor))
    }
    guard !program.outputs.isEmpty else {
      throw .unfit(layer: network.name, expected: "an output", found: "none")
    }
    program.setBorders()
    return program
  }

  private mutating func lower(_ index: Int) throws(GraphError) {
    let layer = network.layers[index]
    switch layer.kind {
    case .convolution(let convolution):
      guard vectors.contains(try tensor(layer.inputs[0], of: layer)) else {
        return try lowerConvolution(index, end: index, residual: nil)
      }
      try lowerLinear(index, try layer.linear(convolution))
    case .add:
      guard let summand = summand(of: index) else { return try lowerScale(index, sum: index) }
      let other = layer.inputs.first { $0 != network.layers[summand].output }
      if network.layers[summand].kind.convolution == nil {
        return try lowerScale(summand, sum: index)
      }
      try lowerConvolution(summand, end: index, residual: try tensor(other ?? "", of: layer))
    case .maxPool, .averagePool, .blurPool, .globalAveragePool: try lowerPool(index)
    case .linear(let linear): try lowerLinear(index, linear)
    case .sigmoid:
      let input = try tensor(layer.inputs[0], of: layer)
      guard vectors.contains(input) else { throw layer.unfit("a sigmoid of a vector", "an image") }
      appendVector(.sigmoid, layer, input, layer.output)
    case .batchNorm, .clamp, .prelu, .multiply: try lowerScale(index, sum: nil)
    }
  }

  private mutating func lowerPool(_ index: Int) throws(GraphError) {
    let layer = network.layers[index]
    let input = try tensor(layer.inputs[0], of: layer)
    guard layer.inputs[0] != Network.image else {
      throw layer.unfit("a pool behind a convolution", "it at the image")
    }
    if vectors.contains(input) {
      guard layer.kind == .globalAveragePool else { throw layer.unfit("an image", "a vector") }
      // The mean of one pixel is that pixel.
      tensors[layer.output] = input
      return
    }
    var output = program.tensors[input]
    if output.height.isMultiple(of: 2), output.width.isMultiple(of: 2),
      let convolution = uses.only(of: layer.output),
      network.foldShortcutPool(index, into: convolution)
    {
      return
    }
    output.name = layer.output
    let kind = try layer.executablePool(&output)
    append(kind, (layer.name, layer.block), input: input, output)
    if kind == .globalAverage { vectors.insert(program.tensors.count - 1) }
  }

  /// A linear layer of a vector, or of an image: that is a convolution as large as the image.
  private mutating func lowerLinear(_ index: Int, _ linear: Linear) throws(GraphError) {
    let layer = network.layers[index]
    let input = try tensor(layer.inputs[0], of: layer)
    let image = program.tensors[input]
    guard linear.inputCount == image.channels * image.height * image.width else {
      throw layer.unfit(
        "\(linear.inputCount) values", "\(image.channels) × \(image.height) × \(image.width)")
    }
    guard vectors.contains(input) else {
      let convolution = Network.Convolution(
        inputChannels: image.channels, outputChannels: linear.outputCount,
        kernel: Network.Extent(image.height, image.width), stride: 1, padding: 0,
        weights: linear.weights, bias: linear.bias)
      return try lowerConvolution(index, convolution, end: index, residual: nil)
    }
    let classifier = Convolution(
      name: layer.name, inputChannels: linear.inputCount, outputChannels: linear.outputCount,
      kernelSize: 1, stride: 1, padding: 0, weights: linear.weights, bias: linear.bias)
    var (output, clamp) = (layer.output, Clamp())
    try takeClamp(&output, &clamp)
    appendVector(
      .linear(classifier), layer, input, output, channels: linear.outputCount, clamp,
      multiplications: linear.weights.count)
  }

  /// Lowers what is done to channels one by one, from the layer `index` on: a batch norm or a gate, a sum, and a
  /// ReLU or slopes, as far as they follow each other.
  ///
  /// - Parameter sum: the sum that the first layer belongs to; it may be the sum itself.
  private mutating func lowerScale(_ index: Int, sum: Int?) throws(GraphError) {
    let layer = network.layers[index]
    let input = try tensor(layer.inputs[0], of: layer)
    guard !vectors.contains(input), layer.inputs[0] != Network.image else {
      throw layer.unfit("an image behind a convolution", "another value")
    }
    var scale = ChannelScale(name: layer.name)
    var (output, clamp) = (layer.output, Clamp())
    var gate: Int?
    switch layer.kind {
    case .batchNorm(let norm): (scale.multiplier, scale.offset) = try layer.factors(of: norm)
    case .multiply:
      let vector = try tensor(layer.inputs[1], of: layer)
      guard vectors.contains(vector) else {
        throw layer.unfit("a gate that is a vector", "an image")
      }
      gate = vector
    case .prelu(let slopes): scale.slope = slopes
    case .clamp(let lower, let upper): try clamp.take(layer, lower, upper)
    case .add: break
    case .convolution, .sigmoid, .maxPool, .averagePool, .blurPool, .globalAveragePool, .linear:
      throw layer.unfit("a layer of single channels", "another")
    }
    var residual: Int?
    if let sum {
      let other = sum == index ? layer.inputs[1] : network.layers[sum].inputs.first { $0 != output }
      residual = try tensor(other ?? "", of: network.layers[sum])
      output = network.layers[sum].output
      let (own, others) = (program.tensors[input], program.tensors[residual!])
      guard (own.height, own.width) == (others.height, others.width) else {
        throw network.layers[sum].unfit(
          "a sum of \(own.height)×\(own.width) pixels", "\(others.height)×\(others.width)")
      }
    }
    if scale.slope == nil, let next = uses.only(of: output),
      case .prelu(let slopes) = network.layers[next].kind
    {
      scale.slope = slopes
      isFused.insert(next)
      output = network.layers[next].output
    }
    if !clamp.isRectified, scale.slope == nil { try takeClamp(&output, &clamp) }
    let shape = program.tensors[input]
    append(
      .scale(scale), (layer.name, layer.block), input: input, residual: residual, gate: gate,
      Program.Tensor(
        name: output, height: shape.height, width: shape.width, channels: shape.channels,
        isRectified: clamp.isRectified), upper: clamp.upper)
  }

  /// The layer that a sum is fused into, which only the sum reads: a gate or a batch norm of its own, or else a
  /// convolution.
  private func summand(of sum: Int) -> Int? {
    let makers = network.layers[sum].inputs.compactMap { value in
      uses.only(of: value) == sum ? uses.maker(of: value) : nil
    }
    return makers.first { network.layers[$0].kind.scalesChannels }
      ?? makers.first { network.layers[$0].kind.convolution != nil }
  }

  private func tensor(_ value: String, of layer: Network.Layer) throws(GraphError) -> Int {
    guard let tensor = tensors[value] else {
      throw layer.unfit("two different inputs", "one twice")
    }
    return tensor
  }

  /// What a ReLU behind an operation leaves of its values.
  private struct Clamp {
    var isRectified = false
    var upper = Float.infinity

    mutating func take(
      _ layer: Network.Layer, _ lower: Float, _ upper: Float
    ) throws(GraphError) {
      guard lower == 0 else {
        throw layer.unfit("a ReLU, which is from 0 on", "\(lower) to \(upper)")
      }
      (isRectified, self.upper) = (true, upper)
    }
  }

  /// Fuses the ReLU that alone reads a value.
  private mutating func takeClamp(_ output: inout String, _ clamp: inout Clamp) throws(GraphError) {
    guard let relu = uses.only(of: output),
      case .clamp(let lower, let upper) = network.layers[relu].kind
    else { return }
    try clamp.take(network.layers[relu], lower, upper)
    isFused.insert(relu)
    output = network.layers[relu].output
  }

  /// Lowers a convolution with what is fused into it: up to the layer `end`, and a ReLU and a max pool behind
  /// that.
  ///
  /// - Parameter own: the convolution; nil for that of the layer.
  private mutating func lowerConvolution(
    _ index: Int, _ own: Network.Convolution? = nil, end: Int, residual: Int?
  ) throws(GraphError) {
    let layer = network.layers[index]
    let convolution = try layer.executable(own ?? layer.kind.convolution!)
    let input = try tensor(layer.inputs[0], of: layer)
    let source = program.tensors[input]
    var (height, width) = (
      convolution.outputHeight(source.height), convolution.outputWidth(source.width)
    )
    let padding = convolution.padding
    guard source.height + padding.top + padding.bottom >= convolution.reach,
      source.width + padding.left + padding.right >= convolution.reach
    else {
      throw layer.unfit("an image of the kernel's size", "\(source.height)×\(source.width)")
    }
    guard layer.inputs[0] != Network.image || convolution.isDense else {
      throw layer.unfit("a convolution of the image without groups and dilation", "one with them")
    }
    if let residual {
      let other = program.tensors[residual]
      guard (other.height, other.width) == (height, width) else {
        throw network.layers[end].unfit(
          "a sum of \(height)×\(width) pixels", "\(other.height)×\(other.width)")
      }
    }
    let multiplications =
      height * width * (own ?? layer.kind.convolution!).weights.count
    var (output, clamp) = (network.layers[end].output, Clamp())
    try takeClamp(&output, &clamp)
    var kind = Program.Kind.convolution(convolution)
    // One row at a time, without the tensor between: at the first pool, which is that of the largest image.
    if clamp.isRectified, residual == nil, convolution.isDense,
      layer.block == "stem" || layer.inputs[0] == Network.image, !hasStem,
      let pool = uses.only(of: output), network.layers[pool].kind == .maxPool(Network.stemPool)
    {
      hasStem = true
      isFused.insert(pool)
      kind = .stem(convolution)
      output = network.layers[pool].output
      (height, width) = ((height + 1) / 2, (width + 1) / 2)
    }
    append(
      kind, (layer.name, layer.block), input: input, residual: residual,
      Program.Tensor(
        name: output, height: height, width: width, channels: convolution.outputChannels,
        isRectified: clamp.isRectified),
      upper: clamp.upper, multiplications: multiplications)
  }

  /// Appends an operation whose result is a vector.
  private mutating func appendVector(
    _ kind: Program.Kind, _ layer: Network.Layer, _ input: Int, _ output: String,
    channels: Int? = nil, _ clamp: Clamp = Clamp(), multiplications: Int = 0
  ) {
    append(
      kind, (layer.name, layer.block), input: input,
      Program.Tensor(
        name: output, height: 1, width: 1, channels: channels ?? program.tensors[input].channels,
        isRectified: clamp.isRectified || kind == .sigmoid),
      upper: clamp.upper, multiplications: multiplications)
    vectors.insert(program.tensors.count - 1)
  }

  /// Appends an operation and the tensor that it makes.
  private mutating func append(
    _ kind: Program.Kind, _ names: (operation: String, block: String), input: Int,
    residual: Int? = nil, gate: Int? = nil, _ output: Program.Tensor, upper: Float = .infinity,
    multiplications: Int = 0
  ) {
    tensors[output.name] = program.tensors.count
    program.operations.append(
      Program.Operation(
        kind: kind, name: names.operation, block: names.block, input: input, residual: residual,
        gate: gate, output: program.tensors.count, isRectified: output.isRectified, upper: upper,
        multiplications: multiplications))
    program.tensors.append(output)
  }
}

extension Network.Kind {
  /// Whether the layer multiplies and shifts channels.
  fileprivate var scalesChannels: Bool {
    switch self {
    case .batchNorm, .multiply: true
    default: false
    }
  }
}

extension Convolution {
  /// Whether each output channel reads all input channels of neighbouring pixels.
  package var isDense: Bool { groupWidth == nil && dilation == 1 }
}

extension Network.Layer {
  /// A convolution as the kernels take it.
  fileprivate func executable(_ layer: Network.Convolution) throws(GraphError) -> Convolution {
    let kernel = layer.kernel.height
    guard layer.kernel == Network.Extent(kernel), 1...7 ~= kernel else {
      throw unfit("a kernel of 1×1 to 7×7", layer.kernel.text)
    }
    let stride = layer.stride.height
    guard layer.stride == Network.Extent(stride), (1...2).contains(stride) else {
      throw unfit("a stride of 1 or 2 in both directions", layer.stride.text)
    }
    // Of a kernel of 1×1 it means nothing.
    let extent = kernel == 1 ? Network.Extent(1) : layer.dilation
    let dilation = extent.height
    guard extent == Network.Extent(dilation), 1...16 ~= dilation else {
      throw unfit("a dilation of 1 to 16 in both directions", extent.text)
    }
    guard layer.padding.greatest <= (kernel - 1) * dilation else {
      throw unfit("less padding than the kernel reaches", layer.padding.text)
    }
    var result = Convolution(
      name: name, inputChannels: layer.inputChannels, outputChannels: layer.outputChannels,
      kernelSize: kernel, stride: stride, dilation: dilation, padding: layer.padding,
      weights: layer.weights, bias: layer.bias ?? [Float](repeating: 0, count: layer.outputChannels)
    )
    if layer.groups > 1 { result.widenGroups(layer) }
    // Kernels with gaps take as many output channels as input channels at a time.
    guard
      result.isDense || result.groupWidth != nil || result.outputChannels <= result.storedInputs
        || result.storedInputs >= 32
    else {
      throw unfit(
        "a dilated convolution of more than 16 channels, or of no more outputs than inputs",
        "\(result.inputChannels) inputs, \(result.outputChannels) outputs")
    }
    return result
  }

  /// A 1×1 convolution of a vector.
  fileprivate func linear(_ layer: Network.Convolution) throws(GraphError) -> Linear {
    guard layer.kernel == 1, layer.groups == 1, layer.stride == 1, layer.padding == 0 else {
      throw unfit("a 1×1 convolution of a vector, of all channels", "another")
    }
    return Linear(
      name: name, inputCount: layer.inputChannels, outputCount: layer.outputChannels,
      weights: layer.weights,
      bias: layer.bias ?? [Float](repeating: 0, count: layer.outputChannels))
  }

  /// What a batch norm multiplies by and adds.
  fileprivate func factors(
    of norm: Network.BatchNorm
  ) throws(GraphError) -> (multiplier: [Float], offset: [Float]) {
    var multiplier = [Float](repeating: 1, count: norm.gamma.count)
    let offset = norm.folded(into: &multiplier, nil)
    try checkFinite(multiplier, "multiplier")
    try checkFinite(offset, "offset")
    return (multiplier, offset)
  }
}

extension Convolution {
  /// The input channels in whole blocks of 16, as tensors have them.
  fileprivate var storedInputs: Int { (inputChannels + 15) / 16 * 16 }

  /// Takes over groups, which become as wide as kernels have them, with weights of 0 for what they did not read; all
  /// channels if no width of theirs fits.
  fileprivate mutating func widenGroups(_ layer: Network.Convolution) {
    let (inputs, outputs) = (
      layer.inputChannels / layer.groups, layer.outputChannels / layer.groups
    )
    let stored = storedInputs
    let widths = [4, 8] + Array(Swift.stride(from: 16, to: stored, by: 16))
    groupWidth =
      inputs != outputs
      ? nil
      : widths.first { $0.isMultiple(of: inputs) && stored.isMultiple(of: $0) }
    let taps = layer.kernel.height * layer.kernel.width
    weights = [Float](repeating: 0, count: outputChannels * readChannels * taps)
    for output in 0..<outputChannels {
      // From the first channel that the wide group reads.
      let first = output / outputs * inputs - (groupWidth.map { output / $0 * $0 } ?? 0)
      let source = output * inputs * taps
      let place = (output * readChannels + first) * taps
      weights.replaceSubrange(
        place..<place + inputs * taps, with: layer.weights[source..<source + inputs * taps])
    }
  }
}

extension Network.Layer {
  /// A pool of an image as the kernels take it; the image gets the size of the result.
  fileprivate func executablePool(_ image: inout Program.Tensor) throws(GraphError) -> Program.Kind
  {
    switch kind {
    case .maxPool(let pool): return .maxPool(try executable(pool, &image))
    case .blurPool(let stride):
      guard 1...2 ~= stride.height, 1...2 ~= stride.width, min(image.height, image.width) >= 2
      else {
        throw unfit(
          "a blur with a stride of 1 or 2 of an image of 2×2 pixels at least",
          "stride \(stride.text) of \(image.height)×\(image.width)")
      }
      image.height = (image.height - 1) / stride.height + 1
      image.width = (image.width - 1) / stride.width + 1
      return .blurPool(stride: stride)
    case .averagePool(let pool)
    where pool.kernel != Network.Extent(image.height, image.width)
      || pool.padding != Network.Padding(0):
      let window = try executable(pool, &image)
      if pool.countsPadding, window.padding != pool.padding {
        throw unfit("an average that does not count padding if it rounds up", "both")
      }
      return .averagePool(window)
    default:
      (image.height, image.width) = (1, 1)
      return .globalAverage
    }
  }

  /// Windows that overhang because sizes are rounded up become padding.
  private func executable(
    _ pool: Network.Pool, _ image: inout Program.Tensor
  ) throws(GraphError) -> Network.Pool {
    var window = pool
    window.roundsUp = false
    guard
      let height = places(
        image.height, pool.kernel.height, pool.stride.height, pool.padding.top,
        &window.padding.bottom, roundsUp: pool.roundsUp),
      let width = places(
        image.width, pool.kernel.width, pool.stride.width, pool.padding.left,
        &window.padding.right, roundsUp: pool.roundsUp)
    else {
      throw unfit(
        "a pool of windows and strides of 1 to 16, less padding, and an image of the window's size",
        "\(pool.text) of \(image.height)×\(image.width)")
    }
    (image.height, image.width) = (height, width)
    return window
  }

  /// The windows along one direction; nil if the kernels do not take them.
  private func places(
    _ size: Int, _ kernel: Int, _ stride: Int, _ before: Int, _ after: inout Int, roundsUp: Bool
  ) -> Int? {
    let reach = size + before + after - kernel
    guard 1...16 ~= kernel, 1...16 ~= stride, 0..<kernel ~= before, 0..<kernel ~= after, reach >= 0
    else { return nil }
    let count = reach / stride + 1
    // Another window counts if it starts in the image or in the padding before it.
    guard roundsUp, !reach.isMultiple(of: stride), count * stride < size + before else {
      return count
    }
    after = count * stride + kernel - size - before
    return count + 1
  }
}

extension Network.Padding {
  fileprivate var text: String { "\(top), \(left), \(bottom), \(right)" }
}

extension Network.Pool {
  fileprivate var text: String {
    "\(kernel.text) with stride \(stride.text) and padding \(padding.text)"
      + (roundsUp ? ", rounded up" : "")
  }
}
