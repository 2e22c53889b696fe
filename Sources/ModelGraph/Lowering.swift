// SPDX-License-Identifier: Apache-2.0

extension Program {
  /// Makes the program of a network for images of `height` × `width` (32…2048) pixels.
  ///
  /// Batch norms and average pools are folded if they are not yet; each ReLU and each sum is fused into
  /// the convolution before it. No branch is dropped: see `Network.dropDeadBranches()`.
  ///
  /// - Throws: `GraphError.unfit` for the first layer that cannot be executed, with what is expected of
  ///   it; `.oddPooledSize`; `.nonFiniteFold`.
  /// - **Allocates:** nothing for weights if the network is folded.
  public init(_ network: consuming Network, height: Int, width: Int) throws(GraphError) {
    try network.check()
    try network.foldBatchNorms()
    network.foldAveragePools()
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
  private let network: Network
  private let uses: Network.Uses
  private var program: Program
  /// The tensor of each value that is kept in one.
  private var tensors: [String: Int] = [:]
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
      if let convolution = convolution(of: sum) { isFused.insert(convolution) }
    }
    for index in network.layers.indices where !isFused.contains(index) { try lower(index) }
    for output in network.outputs {
      guard let tensor = tensors[output.value] else {
        throw .unfit(
          layer: output.name, expected: "an output that a layer makes", found: quoted(output.value))
      }
      program.outputs.append(
        Program.Output(name: output.name, role: output.role, tensor: tensor))
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
    case .convolution: try lowerConvolution(index, end: index, residual: nil)
    case .add:
      guard let convolution = convolution(of: index) else {
        throw layer.unfit("a convolution before the sum, which alone reads it", "none")
      }
      let other = layer.inputs.first { $0 != network.layers[convolution].output }
      try lowerConvolution(convolution, end: index, residual: try tensor(other ?? "", of: layer))
    case .maxPool, .averagePool, .globalAveragePool: try lowerPool(layer)
    case .linear(let linear):
      let input = try tensor(layer.inputs[0], of: layer)
      guard (program.tensors[input].height, program.tensors[input].width) == (1, 1) else {
        throw layer.unfit("a vector", "an image")
      }
      let classifier = Convolution(
        name: layer.name, inputChannels: linear.inputCount, outputChannels: linear.outputCount,
        kernelSize: 1, stride: 1, padding: 0, weights: linear.weights, bias: linear.bias)
      append(
        .linear(classifier), (layer.name, layer.block), input: input,
        Program.Tensor(
          name: layer.output, height: 1, width: 1, channels: linear.outputCount),
        multiplications: linear.weights.count)
    case .batchNorm:
      throw layer.unfit(
        "batch norm behind a convolution that nothing else reads "
          + "(pre-activation ResNets are not supported)", "it elsewhere")
    case .clamp: throw layer.unfit("ReLU behind a convolution or a sum", "it elsewhere")
    }
  }

  private mutating func lowerPool(_ layer: Network.Layer) throws(GraphError) {
    let input = try tensor(layer.inputs[0], of: layer)
    guard layer.inputs[0] != Network.image else {
      throw layer.unfit("a pool behind a convolution", "it at the image")
    }
    var output = program.tensors[input]
    output.name = layer.output
    let kind = try layer.executablePool(&output)
    append(kind, (layer.name, layer.block), input: input, output)
  }

  /// The convolution that a sum is fused into: the first of its inputs that only the sum reads.
  private func convolution(of sum: Int) -> Int? {
    for value in network.layers[sum].inputs where uses.only(of: value) == sum {
      guard let maker = uses.maker(of: value) else { continue }
      if network.layers[maker].kind.convolution != nil { return maker }
    }
    return nil
  }

  private func tensor(_ value: String, of layer: Network.Layer) throws(GraphError) -> Int {
    guard let tensor = tensors[value] else {
      throw layer.unfit("two different inputs", "one twice")
    }
    return tensor
  }

  /// Lowers a convolution with what is fused into it: up to the layer `end`, and a ReLU and a max pool behind
  /// that.
  private mutating func lowerConvolution(_ index: Int, end: Int, residual: Int?) throws(GraphError)
  {
    let layer = network.layers[index]
    let convolution = try layer.executable(layer.kind.convolution!)
    let input = try tensor(layer.inputs[0], of: layer)
    let source = program.tensors[input]
    var (height, width) = (
      convolution.outputSize(source.height), convolution.outputSize(source.width)
    )
    if convolution.kernelSize == 2,
      let odd = [source.height, source.width].first(where: { !$0.isMultiple(of: 2) })
    {
      throw .oddPooledSize(
        inputSize: odd == source.height ? program.inputHeight : program.inputWidth,
        block: layer.block, size: odd)
    }
    guard min(source.height, source.width) + 2 * convolution.padding >= convolution.kernelSize
    else {
      throw layer.unfit("an image of the kernel's size", "\(source.height)×\(source.width)")
    }
    if let residual {
      let other = program.tensors[residual]
      guard (other.height, other.width) == (height, width) else {
        throw network.layers[end].unfit(
          "a sum of \(height)×\(width) pixels", "\(other.height)×\(other.width)")
      }
    }
    let multiplications = height * width * convolution.weights.count
    var output = network.layers[end].output
    var isRectified = false
    var upper = Float.infinity
    if let relu = uses.only(of: output),
      case .clamp(let lower, let limit) = network.layers[relu].kind
    {
      guard lower == 0 else {
        throw network.layers[relu].unfit("a ReLU, which is from 0 on", "\(lower) to \(limit)")
      }
      isRectified = true
      upper = limit
      isFused.insert(relu)
      output = network.layers[relu].output
    }
    var kind = Program.Kind.convolution(convolution)
    // One row at a time, without the tensor between: at the first pool, which is that of the largest image.
    if isRectified, residual == nil, layer.block == "stem" || layer.inputs[0] == Network.image,
      !hasStem, let pool = uses.only(of: output),
      network.layers[pool].kind == .maxPool(Network.stemPool)
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
        isRectified: isRectified),
      upper: upper, multiplications: multiplications)
  }

  /// Appends an operation and the tensor that it makes.
  private mutating func append(
    _ kind: Program.Kind, _ names: (operation: String, block: String), input: Int,
    residual: Int? = nil, _ output: Program.Tensor, upper: Float = .infinity,
    multiplications: Int = 0
  ) {
    tensors[output.name] = program.tensors.count
    program.operations.append(
      Program.Operation(
        kind: kind, name: names.operation, block: names.block, input: input, residual: residual,
        output: program.tensors.count, isRectified: output.isRectified, upper: upper,
        multiplications: multiplications))
    program.tensors.append(output)
  }
}

extension Network.Layer {
  /// A convolution as the kernels take it.
  fileprivate func executable(_ layer: Network.Convolution) throws(GraphError) -> Convolution {
    let kernel = layer.kernel.height
    guard layer.groups == 1 else {
      throw unfit(
        "a convolution of all channels (ResNeXt is not supported)",
        "one of \(layer.groups) groups")
    }
    guard layer.kernel == Network.Extent(kernel), [1, 2, 3, 7].contains(kernel) else {
      throw unfit("a kernel of 1×1, 2×2, 3×3 or 7×7", layer.kernel.text)
    }
    guard layer.dilation == Network.Extent(1) else {
      throw unfit("no dilation", layer.dilation.text)
    }
    let stride = layer.stride.height
    guard layer.stride == Network.Extent(stride), (1...2).contains(stride) else {
      throw unfit("a stride of 1 or 2 in both directions", layer.stride.text)
    }
    let padding = (kernel - 1) / 2
    guard layer.padding == Network.Padding(padding) else {
      throw unfit("a padding of \(padding) at each side", layer.padding.text)
    }
    return Convolution(
      name: name, inputChannels: layer.inputChannels, outputChannels: layer.outputChannels,
      kernelSize: kernel, stride: stride, padding: padding, weights: layer.weights,
      bias: layer.bias ?? [Float](repeating: 0, count: layer.outputChannels))
  }
}

extension Network.Layer {
  /// A pool of an image as the kernels take it; the image gets the size of the result.
  fileprivate func executablePool(_ image: inout Program.Tensor) throws(GraphError) -> Program.Kind
  {
    switch kind {
    case .maxPool(let pool): return .maxPool(try executable(pool, &image))
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
