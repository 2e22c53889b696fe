// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Nodes that add pixels and channels to images or take some of their pixels.
extension ONNXGraphReader {
  /// More added pixels at a side, or a greater distance of those that remain, is refused.
  private static let limit = 1 << 20
  /// The greatest number of added channels.
  private static let channelLimit = 1 << 16

  /// What a node makes of a view of an image, if it takes it up; nil if the view must be a layer first.
  mutating func taken(_ view: ONNXView, by index: Int) throws(ImportError) -> Value? {
    switch node(index).opType {
    case "Pad": return try padded(index, view)
    case "Slice": return try sliced(index, view)
    case "Conv":
      if view.kind == .reflected { return try blurred(index, view) }
      if view.isPaddingOnly { return try convolved(index, view.value, view.padding) }
    case "MaxPool":
      guard view.isPaddingOnly else { break }
      var pool = try pool(index, size(of: view))
      pool.padding = pool.padding + view.padding
      // A pool's own padding is less than any value; none of the image's values is less than 0.
      guard isRectified(view.value), pool.hasPixelsInEachWindow else { break }
      return append(index, .maxPool(pool), [view.value])
    case "AveragePool":
      guard view.isPaddingOnly else { break }
      var pool = try pool(index, size(of: view))
      guard pool.padding == Network.Padding(0) || pool.countsPadding, !pool.roundsUp else { break }
      pool.padding = pool.padding + view.padding
      pool.countsPadding = true
      guard pool.hasPixelsInEachWindow else { break }
      return append(index, .averagePool(pool), [view.value])
    default: break
    }
    return nil
  }

  /// The layer that makes a view: a pool that takes pixels, or a convolution whose weights are 0 and 1.
  mutating func made(_ view: ONNXView) throws(ImportError) -> Value {
    let output = valueName(view.node)
    if makers[output] != nil { return .layer(output, isVector: false) }
    guard view.kind == .zeros else {
      throw unexpected(
        view.node, "a blur by [1 2 1] in both directions behind reflected pixels", "another layer")
    }
    let inputs = channelCount(view.value)
    let outputs = view.channelsBefore + inputs + view.channelsBehind
    if !view.isPadded, outputs == inputs {
      return append(
        view.node, .maxPool(Network.Pool(kernel: 1, stride: view.stride)), [view.value])
    }
    try budget.reserve(elements: product(outputs, inputs))
    var weights = [Float](repeating: 0, count: outputs * inputs)
    for channel in 0..<inputs { weights[(view.channelsBefore + channel) * inputs + channel] = 1 }
    return append(
      view.node,
      .convolution(
        Network.Convolution(
          inputChannels: inputs, outputChannels: outputs, kernel: 1, stride: view.stride,
          padding: view.padding, weights: weights, bias: nil)), [view.value])
  }

  /// A convolution of each channel by [1 2 1]ᵀ [1 2 1] / 16 of an image with reflected edges.
  private mutating func blurred(_ index: Int, _ view: ONNXView) throws(ImportError) -> Value {
    let layer = try convolution(index, view.value, view.padding)
    let count = channelCount(view.value)
    let tap = [1, 2, 1, 2, 4, 2, 1, 2, 1].map { Float($0) / 16 }
    guard layer.groups == count, layer.inputChannels == count, layer.outputChannels == count,
      layer.kernel == 3, layer.dilation == 1, layer.padding == Network.Padding(0),
      layer.bias?.allSatisfy({ $0 == 0 }) ?? true, layer.weights.count == 9 * count,
      layer.weights.indices.allSatisfy({ layer.weights[$0] == tap[$0 % 9] })
    else {
      throw unexpected(
        index, "a blur by [1 2 1] in both directions behind reflected pixels", "another convolution"
      )
    }
    return append(index, .blurPool(stride: layer.stride), [view.value])
  }

  /// A Pad. Its numbers are attributes, since opset 11 inputs.
  mutating func padded(_ index: Int, _ view: ONNXView) throws(ImportError) -> Value {
    let node = node(index)
    let mode = node.text("mode", default: "constant")
    guard ["constant", "reflect"].contains(mode) else {
      throw unexpected(index, "pixels of 0, or reflected ones", quoted(mode))
    }
    var value = node.float("value", default: 0)
    if node.input.count > 2, !node.input[2].isEmpty {
      let constant = try floats(index, 2)
      guard constant.values.count == 1 else {
        throw unexpected(index, "one number to pad with", "shape \(constant.shape.prefix(8))")
      }
      value = constant.values[0]
    }
    guard mode == "reflect" || value == 0 else {
      throw unexpected(index, "pixels of 0", "\(value)")
    }
    let pads = try pads(index)
    let padding = Network.Padding(top: pads[2], left: pads[3], bottom: pads[6], right: pads[7])
    var view = view
    if mode == "reflect" {
      if view.isPadded || !view.isPaddingOnly { view = try renewed(view) }
      let size = sizes[view.value]
      guard padding == Network.Padding(1), pads[1] == 0, pads[5] == 0, size?.height ?? 2 > 1,
        size?.width ?? 2 > 1
      else {
        throw unexpected(
          index, "one reflected pixel at each side of an image of 2 or more",
          "pads \(pads) of \(size?.text ?? "an image")")
      }
      view.kind = .reflected
    }
    if view.stride != 1, padding != Network.Padding(0) { view = try renewed(view) }
    if view.kind == .reflected, mode != "reflect" { view = try renewed(view) }
    view.node = index
    view.padding = view.padding + padding
    view.channelsBefore += pads[1]
    view.channelsBehind += pads[5]
    guard view.padding.greatest <= Self.limit,
      max(view.channelsBefore, view.channelsBehind) <= Self.channelLimit
    else {
      throw unexpected(
        index, "at most \(Self.limit) added pixels and \(Self.channelLimit) channels",
        "\(view.padding.greatest) and \(max(view.channelsBefore, view.channelsBehind))")
    }
    return seen(view)
  }

  /// What is added before and behind each of the dimensions: batch, channels, rows and columns.
  private mutating func pads(_ index: Int) throws(ImportError) -> [Int] {
    let node = node(index)
    var pads = node.integers("pads", default: [])
    if node.input.count > 1, !node.input[1].isEmpty {
      guard let found = try integers(node.input[1]) else {
        throw unexpected(index, "constant pads", "computed ones")
      }
      pads = found
    }
    var axes: [Int64] = [0, 1, 2, 3]
    if node.input.count > 3, !node.input[3].isEmpty {
      guard let found = try integers(node.input[3]) else {
        throw unexpected(index, "constant axes", "computed ones")
      }
      axes = found
    }
    let places = try dimensions(axes, index)
    let found = "\(pads.prefix(8)) for axes \(axes.prefix(4))"
    guard pads.count == 2 * places.count else {
      throw unexpected(index, "two pads for each axis", found)
    }
    var result = [Int](repeating: 0, count: 8)
    for (place, axis) in places.enumerated() {
      for (end, pad) in [pads[place], pads[places.count + place]].enumerated() {
        let limit = [0, Self.channelLimit, Self.limit, Self.limit][axis]
        guard (0...Int64(limit)).contains(pad) else {
          throw unexpected(
            index, "pads of 0 to \(Self.limit) pixels or \(Self.channelLimit) channels", found)
        }
        result[end * 4 + axis] = Int(pad)
      }
    }
    return result
  }

  /// A Slice that takes every second, third… row or column from the first on. Its numbers are inputs, before opset 10
  /// attributes.
  mutating func sliced(_ index: Int, _ view: ONNXView) throws(ImportError) -> Value {
    let node = node(index)
    func numbers(_ name: String, _ slot: Int) throws(ImportError) -> [Int64]? {
      guard node.input.count > slot, !node.input[slot].isEmpty else {
        return node.attribute.first { $0.name == name }?.ints
      }
      guard let found = try integers(node.input[slot]) else {
        throw unexpected(index, "constant \(name)", "computed ones")
      }
      return found
    }
    let starts = try numbers("starts", 1) ?? []
    let ends = try numbers("ends", 2) ?? []
    let axes = try numbers("axes", 3) ?? starts.indices.map { Int64($0) }
    let steps = try numbers("steps", 4) ?? [Int64](repeating: 1, count: axes.count)
    let places = try dimensions(axes, index)
    guard [starts.count, ends.count, steps.count].allSatisfy({ $0 == places.count }) else {
      throw unexpected(index, "a start, an end and a step for each axis", "others")
    }
    var view = view.kind == .reflected ? try renewed(view) : view
    let size = size(of: view)
    let channels = view.channelsBefore + channelCount(view.value) + view.channelsBehind
    for (place, axis) in places.enumerated() {
      let extent = [self.input.batch, channels, size?.height, size?.width][axis]
      let least = extent.map { Int64($0) } ?? Int64(Int32.max)
      let steps = 1...(axis < 2 ? 1 : Int64(Self.limit)) ~= steps[place] ? Int(steps[place]) : 0
      if axis == 2 { view.stride.height = product(view.stride.height, steps) }
      if axis == 3 { view.stride.width = product(view.stride.width, steps) }
      guard starts[place] == 0, ends[place] >= least, steps > 0,
        max(view.stride.height, view.stride.width) <= Self.limit
      else {
        throw unexpected(
          index, "all channels, and every second or so row and column from the first on",
          "\(starts[place]) to \(ends[place]) of dimension \(axis)")
      }
    }
    view.node = index
    return seen(view)
  }

  /// The dimensions of an image that axes stand for, each once.
  private func dimensions(_ axes: [Int64], _ index: Int) throws(ImportError) -> [Int] {
    let places = axes.prefix(5).map { $0 < 0 ? $0.addingReportingOverflow(4).partialValue : $0 }
    guard axes.count <= 4, places.allSatisfy({ (0..<4).contains($0) }),
      Set(places).count == places.count
    else { throw unexpected(index, "dimensions of an image", "axes \(axes.prefix(8))") }
    return places.map { Int($0) }
  }

  /// An image with nothing added: the view is made a layer.
  private mutating func renewed(_ view: ONNXView) throws(ImportError) -> ONNXView {
    guard case .layer(let value, _) = try made(view) else { preconditionFailure("no layer") }
    return ONNXView(value: value, node: view.node)
  }

  /// The view, or the image if it is the whole of it.
  private func seen(_ view: ONNXView) -> Value {
    view.isPaddingOnly && !view.isPadded ? .layer(view.value, isVector: false) : .view(view)
  }

  private func size(of view: ONNXView) -> Network.Extent? {
    guard let size = sizes[view.value]?.padded(view.padding) else { return nil }
    return Network.Extent(
      (size.height - 1) / view.stride.height + 1, (size.width - 1) / view.stride.width + 1)
  }
}

extension Network.Pool {
  /// Whether the padding at each side is smaller than the window.
  fileprivate var hasPixelsInEachWindow: Bool {
    max(padding.top, padding.bottom) < kernel.height
      && max(padding.left, padding.right) < kernel.width
  }
}
