// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// What nodes in front of the first layer make of the graph's input: `v * scale + shift` of each channel.
struct ONNXImage: Equatable {
  /// For the channels as they are now.
  var scale = SIMD3<Double>(repeating: 1)
  var shift = SIMD3<Double>(repeating: 0)
  /// Whether the channels were reversed.
  var isReversed = false
  /// Whether the input has its channels last, and a node moved them to the front.
  var isMoved = false
  /// Whether the channels are before the images of the batch for now, as exporters put them to reorder them.
  var isSwapped = false
  /// The dimension of the channels that constants were made for; nil if there were only numbers.
  var channelAxis: Int?
}

/// The graph's input as it is declared.
struct ONNXInput {
  /// Those that are fixed; nil for all if there is no shape.
  let dimensions: [Int?]?
  private let elementType: Int32

  init(_ input: Onnx_ValueInfoProto) {
    let type = input.type.tensorType
    elementType = type.elemType
    dimensions =
      input.hasType && type.hasShape
      ? type.shape.dim.map { $0.dimValue > 0 ? Int(clamping: $0.dimValue) : nil } : nil
  }

  /// Whether the input's values are those of pixels.
  var isBytes: Bool { elementType == 2 }

  var batch: Int? { dimensions?.first ?? nil }

  /// The channels, height and width.
  func extents(isMoved: Bool) -> [Int?] {
    guard let found = dimensions, found.count == 4 else { return [nil, nil, nil] }
    return isMoved ? [found[3], found[1], found[2]] : [found[1], found[2], found[3]]
  }
}

extension ONNXGraphReader {
  /// What a node makes of the image if it only scales, shifts or reorders it; nil if it is a layer.
  mutating func prepared(_ image: ONNXImage, _ index: Int) throws(ImportError) -> ONNXImage? {
    let node = node(index)
    var image = image
    switch node.opType {
    case "Add", "Sub", "Mul", "Div":
      let slot = isImage(node.input[0]) ? 1 : 0
      guard node.input.count == 2, !isImage(node.input[slot]),
        slot == 1 || ["Add", "Mul"].contains(node.opType)
      else { throw unexpected(index, "the image and a constant", "others") }
      let constant = try channels(of: try floats(index, slot), &image, index)
      switch node.opType {
      case "Add": image.shift += constant
      case "Sub": image.shift -= constant
      case "Mul": (image.scale, image.shift) = (image.scale * constant, image.shift * constant)
      default: (image.scale, image.shift) = (image.scale / constant, image.shift / constant)
      }
    case "BatchNormalization":
      let norm = try batchNorm(index)
      var values: [SIMD3<Double>] = []
      for part in [norm.gamma, norm.beta, norm.mean, norm.variance] {
        let shape = part.count == 1 ? [1] : [part.count, 1, 1]
        values.append(try channels(of: Tensor(shape: shape, values: part), &image, index))
      }
      let scale = values[0] / (values[3] + norm.epsilon).squareRoot()
      image.scale *= scale
      image.shift = (image.shift - values[2]) * scale + values[1]
    case "Transpose":
      let order = node.integers("perm", default: [])
      if order == [1, 0, 2, 3] {
        image.isSwapped.toggle()
        break
      }
      guard order == [0, 3, 1, 2], !image.isMoved, image.channelAxis != 1 else {
        throw unexpected(index, "channels moved from the last place to the second", "\(order)")
      }
      image.isMoved = true
    case "Gather":
      let axis = node.integer("axis", default: 0)
      let places = try integers(node.input.count > 1 ? node.input[1] : "") ?? []
      guard axis == (image.isSwapped ? 0 : 1) || (axis == 3 && !image.isMoved && !image.isSwapped),
        places == [2, 1, 0]
      else {
        throw unexpected(index, "the three channels in reverse", "\(places.prefix(8))")
      }
      (image.scale, image.shift) = (image.scale.reversed, image.shift.reversed)
      image.isReversed.toggle()
    default: return nil
    }
    return image
  }

  /// A number for each channel, of which there is one or three.
  private func channels(of constant: Tensor, _ image: inout ONNXImage, _ index: Int)
    throws(ImportError) -> SIMD3<Double>
  {
    let values = constant.values.map { Double($0) }
    if values.count == 1 { return SIMD3(repeating: values[0]) }
    var shape = constant.shape
    while shape.count > 1, shape.first == 1 { shape.removeFirst() }
    // From the right: channels are before height and width, or last.
    let axis = image.isSwapped ? nil : shape == [3, 1, 1] ? 1 : shape == [3] ? 3 : nil
    guard let axis, image.channelAxis ?? axis == axis, axis == 1 || !image.isMoved else {
      throw unexpected(
        index, "a number for each of 3 channels", "shape \(constant.shape.prefix(8))")
    }
    image.channelAxis = axis
    return [values[0], values[1], values[2]]
  }

  /// Takes what the first layer reads for the network's input, which must be the same for all layers that read it.
  mutating func settle(_ image: ONNXImage, _ index: Int) throws(ImportError) {
    guard image.channelAxis != 3 || image.isMoved, !image.isSwapped else {
      throw unexpected(index, "channels in the second place", "them in another")
    }
    var image = image
    image.channelAxis = nil
    if let settled, settled != image {
      throw unexpected(index, "the image as other layers read it", "another")
    }
    if settled != nil { return }
    settled = image
    var described = InputDescription()
    defer { network.source.input = described }
    let extents = input.extents(isMoved: image.isMoved)
    if let side = extents[1] ?? extents[2] {
      described.size = Network.Extent(extents[1] ?? side, extents[2] ?? side)
    }
    if let height = extents[1], let width = extents[2] {
      guard max(height, width) <= 1 << 16 else {
        throw malformed(
          "an input of at most \(1 << 16) pixels a side", "\(max(height, width))")
      }
      sizes[Network.image] = Network.Extent(height, width)
      described.isSizeFixed = true
    }
    if image.isReversed { described.channelOrder = .bgr }
    guard image != ONNXImage(isReversed: image.isReversed, isMoved: image.isMoved) else { return }
    var mean = -image.shift / image.scale
    var std = 1 / image.scale
    guard (0..<3).allSatisfy({ mean[$0].isFinite && std[$0].isFinite && std[$0] > 0 }) else {
      throw unexpected(index, "an image scaled by numbers above 0", "\(image.scale)")
    }
    // Values of 0…255 are scaled down, or shifted by more than those of 0…1 can be.
    let isBytes = (0..<3).contains { std[$0] > 4 || abs(mean[$0]) > 4 }
    if isBytes || input.isBytes { (mean, std) = (mean / 255, std / 255) }
    (described.mean, described.std) = (mean, std)
    described.origins.append("the nodes in front of the ONNX graph")
    network.source.notes.append(
      "took the normalization in front of the graph, for pixels of 0 to "
        + (isBytes || input.isBytes ? "255" : "1"))
  }
}
