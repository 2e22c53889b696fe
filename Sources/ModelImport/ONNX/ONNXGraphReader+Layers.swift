// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

extension ONNXGraphReader {
  /// A convolution of an image to which pixels of 0 were added, or a linear layer if there is only one pixel.
  mutating func convolved(
    _ index: Int, _ input: String, _ padding: Network.Padding = Network.Padding(0)
  ) throws(ImportError) -> Value {
    var layer = try convolution(index, input, padding)
    layer.padding = layer.padding + padding
    guard isPoint(input), layer.kernel == 1, layer.groups == 1,
      layer.padding == Network.Padding(0)
    else { return append(index, .convolution(layer), [input]) }
    if let bias = layer.bias, bias.count != layer.outputChannels {
      throw unexpected(index, "a bias of \(layer.outputChannels) values", "\(bias.count)")
    }
    try budget.reserve(elements: layer.outputChannels)
    return append(
      index,
      .linear(
        Linear(
          name: name(index), inputCount: layer.inputChannels, outputCount: layer.outputChannels,
          weights: layer.weights,
          bias: layer.bias ?? [Float](repeating: 0, count: layer.outputChannels))), [input])
  }

  /// - Parameters:
  ///   - input: the value that it reads.
  ///   - padding: what was added to that.
  mutating func convolution(_ index: Int, _ input: String, _ padding: Network.Padding)
    throws(ImportError) -> Network.Convolution
  {
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
    let window = try window(index, kernel: kernel, sizes[input]?.padded(padding))
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
    if input == Network.image {
      let given = self.input.extents(isMoved: settled?.isMoved ?? false)[0]
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

  /// - Parameter size: of the image; nil if it is not known.
  func pool(_ index: Int, _ size: Network.Extent?) throws(ImportError) -> Network.Pool {
    let window = try window(index, kernel: nil, size)
    guard window.dilation == Network.Extent(1) else {
      throw unexpected(index, "a pool without dilation", "one with")
    }
    return window.pool
  }

  /// The attributes of a convolution's or a pool's window.
  ///
  /// - Parameters:
  ///   - kernel: what the kernel's size must be; nil for what the node says.
  ///   - size: that of the image; nil if it is not known.
  private func window(_ index: Int, kernel: Network.Extent?, _ size: Network.Extent?)
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
    let window = try numbers(
      "kernel_shape", 2, default: kernel.map { [Int64($0.height), Int64($0.width)] } ?? [],
      least: 1)
    let stride = try numbers("strides", 2, default: [1, 1], least: 1)
    let dilation = try numbers("dilations", 2, default: [1, 1], least: 1)
    var pads = try numbers("pads", 4, default: [0, 0, 0, 0], least: 0)
    guard kernel == nil || kernel == Network.Extent(window[0], window[1]) else {
      throw unexpected(index, "the kernel of its weights", "\(window)")
    }
    let mode = node.text("auto_pad", default: "")
    switch mode {
    case "", "NOTSET": break
    case "VALID": pads = [0, 0, 0, 0]
    case "SAME_UPPER", "SAME_LOWER":
      for (axis, size) in [size?.height, size?.width].enumerated() {
        guard let size = size ?? (stride[axis] == 1 ? 1 : nil) else {
          throw unexpected(
            index, "explicit pads, or an input of fixed size", "auto_pad \(quoted(mode))")
        }
        // As many windows as strides begin in the image.
        let reach = (size - 1) / stride[axis] * stride[axis] + (window[axis] - 1) * dilation[axis]
        let pad = max(0, reach + 1 - size)
        guard pad <= 1 << 20 else {
          throw unexpected(index, "at most \(1 << 20) added pixels", "\(pad)")
        }
        let half = mode == "SAME_UPPER" ? pad / 2 : pad - pad / 2
        (pads[axis], pads[axis + 2]) = (half, pad - half)
      }
    default: throw unexpected(index, "explicit pads", "auto_pad \(quoted(mode))")
    }
    let pool = Network.Pool(
      kernel: Network.Extent(window[0], window[1]), stride: Network.Extent(stride[0], stride[1]),
      padding: Network.Padding(top: pads[0], left: pads[1], bottom: pads[2], right: pads[3]),
      countsPadding: node.integer("count_include_pad", default: 0) != 0,
      roundsUp: node.integer("ceil_mode", default: 0) != 0)
    return (pool, Network.Extent(dilation[0], dilation[1]))
  }

  /// The slopes of a PRelu or a LeakyRelu, one for each channel.
  mutating func slopes(_ index: Int, _ input: String, _ isVector: Bool) throws(ImportError)
    -> [Float]
  {
    guard node(index).opType == "PRelu" else {
      let count = channelCount(input)
      try budget.reserve(elements: count)
      return [Float](repeating: node(index).float("alpha", default: 0.01), count: count)
    }
    return try perChannel(index, 1, input, isVector)
  }

  /// The constant in an input of a node as a number for each channel of a value, of which it has one for all or one
  /// for each.
  mutating func perChannel(_ index: Int, _ slot: Int, _ value: String, _ isVector: Bool)
    throws(ImportError) -> [Float]
  {
    let constant = try floats(index, slot)
    let count = channelCount(value)
    if constant.values.count == 1 {
      try budget.reserve(elements: count)
      return [Float](repeating: constant.values[0], count: count)
    }
    var shape = constant.shape
    while shape.count > 1, shape.first == 1 { shape.removeFirst() }
    guard shape == (isVector ? [count] : [count, 1, 1]), !isVector || isPoint(value) else {
      throw unexpected(
        index, "a number for each of \(count) channels", "shape \(constant.shape.prefix(8))")
    }
    return constant.values
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

  /// Checks that a linear layer has weights for each value of an image, if the image's size is known.
  func checkCount(of linear: Linear, _ input: String, _ index: Int) throws(ImportError) {
    guard !isPoint(input), let count = valueCount(input), count != linear.inputCount else { return }
    throw unexpected(index, "weights for \(count) values", "weights for \(linear.inputCount)")
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

extension Network.Extent {
  /// With pixels added at its sides.
  func padded(_ padding: Network.Padding) -> Self {
    Self(height + padding.top + padding.bottom, width + padding.left + padding.right)
  }
}
