// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

extension ONNXGraphReader {
  mutating func convolution(_ index: Int) throws(ImportError) -> Network.Convolution {
    let node = node(index)
    let weights = try floats(index, 1)
    guard weights.shape.count == 4, weights.shape.allSatisfy({ $0 > 0 }) else {
      throw unexpected(index, "weights of 4 dimensions", "\(weights.shape)")
    }
    let groups = node.integer("group", default: 1)
    let (inputs, overflowed) = weights.shape[1].multipliedReportingOverflow(
      by: Int(clamping: groups))
    guard groups > 0, !overflowed else {
      throw unexpected(index, "a number of groups", "\(groups)")
    }
    let kernel = Network.Extent(weights.shape[2], weights.shape[3])
    let window = try window(index, kernel: kernel)
    var bias: [Float]?
    if node.input.count > 2, !node.input[2].isEmpty {
      if let number = try expanded(index, 2) {
        try budget.reserve(elements: weights.shape[0])
        bias = [Float](repeating: number, count: weights.shape[0])
      } else {
        bias = try floats(index, 2).values
      }
      let sharing = biasReaders[node.input[2]] ?? 1
      guard sharing == 1 || bias?.allSatisfy({ $0 == 0 }) ?? true else {
        throw unexpected(
          index, "a bias of its own",
          "\(quoted(node.input[2])), which \(sharing) convolutions share: an exporter's mistake")
      }
    }
    var layer = Network.Convolution(
      inputChannels: inputs, outputChannels: weights.shape[0], kernel: kernel,
      stride: window.pool.stride, dilation: window.dilation, padding: window.pool.padding,
      groups: Int(groups), weights: weights.values, bias: bias)
    if isImageLayer(node.input[0]) {
      let given = input.extents(isMoved: settled?.isMoved ?? false)[0]
      guard given ?? inputs == inputs else {
        throw unexpected(
          index, "an input of \(inputs) channels, as its weights are", "one of \(given ?? 0)")
      }
      if inputs == 1, groups == 1 {
        network.source.input.isGrey = true
        network.source.notes.append("the network takes one channel: photos become grey")
        try budget.reserve(elements: 3 * weights.values.count)
        layer.inputChannels = 3
        layer.weights = Network.Convolution.spread(layer.weights, outputs: layer.outputChannels)
      }
    }
    return layer
  }

  mutating func batchNorm(_ index: Int) throws(ImportError) -> Network.BatchNorm {
    let node = node(index)
    guard node.integer("training_mode", default: 0) == 0, node.integer("spatial", default: 1) == 1
    else {
      throw unexpected(
        index, "batch norm of channels in evaluation", "training_mode, or a norm of pixels")
    }
    // The attribute is the float32 nearest to the decimal number that was meant.
    let epsilon = Double("\(node.float("epsilon", default: 1e-5))") ?? .nan
    guard (0...1).contains(epsilon) else {
      throw unexpected(index, "epsilon from 0 to 1", "\(epsilon)")
    }
    var norm: [[Float]] = []
    for slot in 1...4 { norm.append(try floats(index, slot).values) }
    return .init(
      gamma: norm[0], beta: norm[1], mean: norm[2], variance: norm[3], epsilon: epsilon)
  }

  /// The limits are attributes, since opset 11 inputs.
  mutating func clamp(_ index: Int) throws(ImportError) -> Network.Kind {
    var limits = [
      node(index).float("min", default: -.infinity), node(index).float("max", default: .infinity),
    ]
    for slot in 1...2 where slot < node(index).input.count && !node(index).input[slot].isEmpty {
      let limit = try floats(index, slot)
      guard limit.values.count == 1 else {
        throw unexpected(index, "one number as limit", "shape \(limit.shape.prefix(8))")
      }
      limits[slot - 1] = limit.values[0]
    }
    return .clamp(lower: limits[0], upper: limits[1])
  }

  func pool(_ index: Int) throws(ImportError) -> Network.Pool {
    let window = try window(index, kernel: nil)
    guard window.dilation == Network.Extent(1) else {
      throw unexpected(index, "a pool without dilation", "one with")
    }
    return window.pool
  }

  /// The attributes of a convolution's or a pool's window.
  ///
  /// - Parameter kernel: what the kernel's size must be; nil for what the node says.
  private func window(_ index: Int, kernel: Network.Extent?)
    throws(ImportError) -> (pool: Network.Pool, dilation: Network.Extent)
  {
    let node = node(index)
    func numbers(_ name: String, _ count: Int, default value: [Int64], least: Int64)
      throws(ImportError) -> [Int]
    {
      let found = node.integers(name, default: value)
      guard found.count == count, found.allSatisfy({ (least...1 << 20).contains($0) }) else {
        throw unexpected(
          index, "\(count) numbers of \(least) to \(1 << 20) as \(name)", "\(found.prefix(8))")
      }
      return found.map { Int($0) }
    }
    let size = try numbers(
      "kernel_shape", 2, default: kernel.map { [Int64($0.height), Int64($0.width)] } ?? [],
      least: 1)
    let stride = try numbers("strides", 2, default: [1, 1], least: 1)
    let dilation = try numbers("dilations", 2, default: [1, 1], least: 1)
    let pads = try numbers("pads", 4, default: [0, 0, 0, 0], least: 0)
    let mode = node.attribute.first { $0.name == "auto_pad" }?.s ?? .init()
    guard mode.isEmpty || mode.elementsEqual("NOTSET".utf8) else {
      let name = String(decoding: mode, as: UTF8.self)
      throw unexpected(index, "explicit pads", "auto_pad \(quoted(name))")
    }
    guard kernel == nil || kernel == Network.Extent(size[0], size[1]) else {
      throw unexpected(index, "the kernel of its weights", "\(size)")
    }
    let pool = Network.Pool(
      kernel: Network.Extent(size[0], size[1]), stride: Network.Extent(stride[0], stride[1]),
      padding: Network.Padding(top: pads[0], left: pads[1], bottom: pads[2], right: pads[3]),
      countsPadding: node.integer("count_include_pad", default: 0) != 0,
      roundsUp: node.integer("ceil_mode", default: 0) != 0)
    return (pool, Network.Extent(dilation[0], dilation[1]))
  }

  /// Axes are an attribute, since opset 18 an input.
  mutating func checkMean(_ index: Int) throws(ImportError) {
    let node = node(index)
    var axes = node.integers("axes", default: [])
    if node.input.count > 1, let values = try integers(node.input[1]) { axes = values }
    guard Set(axes.map { $0 < 0 ? $0 + 4 : $0 }) == [2, 3] else {
      throw unexpected(index, "the mean over axes 2 and 3", "\(axes.prefix(8))")
    }
  }

  /// Checks that a node only makes a vector of the mean over all pixels.
  mutating func checkFlattening(_ index: Int, _ input: String) throws(ImportError) {
    let node = node(index)
    guard isPooled(input) else {
      throw unexpected(index, "the mean over all pixels to be flattened", "another value")
    }
    switch node.opType {
    case "Flatten":
      let axis = node.integer("axis", default: 1)
      guard [1, -3].contains(axis) else { throw unexpected(index, "axis 1", "\(axis)") }
    case "Reshape":
      // A shape that is computed comes from the image's own, so only a constant one is looked at.
      guard node.input.count == 2, let shape = try integers(node.input[1]) else { return }
      // All values of one image in one dimension are its features too.
      if shape == [-1], self.input.batch == 1 { return }
      guard shape.count == 2, [-1, 0, 1, Int64(self.input.batch ?? 1)].contains(shape[0]) else {
        throw unexpected(
          index, "a shape of 2 dimensions, the first -1, 0 or the batch", "\(shape.prefix(8))")
      }
    // Only dimensions of 1 can be squeezed.
    default: break
    }
  }

  /// Checks that a node takes all features in their order, as exporters write a change of their layout.
  mutating func checkGathering(_ index: Int, _ count: Int?, _ isVector: Bool) throws(ImportError) {
    let node = node(index)
    let places = try integers(node.input.count > 1 ? node.input[1] : "") ?? []
    guard isVector, input.batch == 1, node.integer("axis", default: 0) == 0, let count,
      places.elementsEqual((0..<count).map { Int64($0) })
    else {
      throw unexpected(
        index, "all \(count ?? 0) features in their order", "\(places.count) places")
    }
  }

  mutating func linear(_ index: Int) throws(ImportError) -> Linear {
    let node = node(index)
    let isProduct = node.opType == "MatMul"
    guard isProduct || node.integer("transA", default: 0) == 0 else {
      throw unexpected(index, "transA 0", "\(node.integer("transA", default: 0))")
    }
    let weights = try floats(index, 1)
    var matrix = try matrix(weights, index)
    // Here it is [outputs, inputs].
    if isProduct || node.integer("transB", default: 0) == 0 { matrix = try transposed(matrix) }
    let outputs = matrix.shape[0]
    var bias = [Float](repeating: 0, count: outputs)
    if !isProduct, node.input.count > 2, !node.input[2].isEmpty {
      let own = try self.bias(index, 2, outputs)
      bias = try scaled(own, node.float("beta", default: 1), index, "bias")
    }
    let alpha = isProduct ? 1 : node.float("alpha", default: 1)
    return Linear(
      name: name(index), inputCount: matrix.shape[1], outputCount: outputs,
      weights: try scaled(matrix.values, alpha, index, "weight"), bias: bias)
  }

  /// The constant in an input of a node, which must have as many values as there are outputs.
  mutating func bias(_ index: Int, _ slot: Int, _ outputs: Int) throws(ImportError) -> [Float] {
    let bias = try floats(index, slot)
    guard bias.values.count == outputs else {
      throw unexpected(index, "a bias of \(outputs) values", "shape \(bias.shape.prefix(8))")
    }
    return bias.values
  }

  private func scaled(_ values: [Float], _ factor: Float, _ index: Int, _ part: String)
    throws(ImportError) -> [Float]
  {
    if factor == 1 { return values }
    let result = values.map { $0 * factor }
    try checkFinite(result, tensor: "\(name(index)) \(part)")
    return result
  }
}
