// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph

/// Nodes that give values other shapes, and those that compute shapes.
extension ONNXGraphReader {
  /// How many numbers a value has, which are all of a vector; nil if the image's size is not known.
  func valueCount(_ value: String) -> Int? {
    if isPoint(value) { return channelCount(value) }
    return sizes[value].map { product(channelCount(value), product($0.height, $0.width)) }
  }

  /// A value in another shape: an image becomes a vector, or a vector an image of 1×1 pixels.
  mutating func shaped(_ index: Int, _ input: String, _ isVector: Bool) throws(ImportError) -> Value
  {
    let node = node(index)
    switch node.opType {
    case "Flatten":
      let axis = node.integer("axis", default: 1)
      guard axis == 1 || axis == (isVector ? -1 : -3) else {
        throw unexpected(index, "axis 1", "\(axis)")
      }
      return .layer(input, isVector: true)
    case "Reshape": return try reshaped(index, input, isVector)
    case "Unsqueeze":
      guard isVector, isPoint(input) else {
        throw unexpected(index, "a vector to be made an image", "another value")
      }
      return try unsqueezed(index, input, rank: 2)
    case "Expand":
      guard !isVector, isPoint(input) else {
        throw unexpected(index, "an image of one pixel to be repeated", "another value")
      }
      return .repeated(input)
    default:
      // Only dimensions of 1 can be squeezed.
      guard isPoint(input) || isVector || sizes[input] == 1 else {
        throw unexpected(index, "the mean over all pixels to be flattened", "another value")
      }
      return .layer(input, isVector: true)
    }
  }

  private mutating func reshaped(_ index: Int, _ input: String, _ isVector: Bool)
    throws(ImportError) -> Value
  {
    let node = node(index)
    let count = valueCount(input)
    guard let shape = try places(node.input.count > 1 ? node.input[1] : "") else {
      // A shape that is computed comes from the image's own, so only one that is known is looked at.
      guard isPoint(input) else {
        throw unexpected(index, "a shape that is known", "a computed one")
      }
      return .layer(input, isVector: true)
    }
    let batch = Int64(self.input.batch ?? 1)
    let isBatch = shape.first.map { $0.map { [-1, 0, 1, batch].contains($0) } ?? true } ?? false
    // The batch's dimension takes what the others leave, so these must be known.
    let isInferred = shape.first == -1
    func isAll(_ size: Int64?, _ count: Int?, _ dimension: Int) -> Bool {
      guard let size else { return isPoint(input) }
      if size == -1 { return !isInferred }
      if size == 0 { return dimension == 1 && isPoint(input) && !isInferred }
      if let count { return size == Int64(count) }
      return !isInferred && size > 0
    }
    switch shape.count {
    // All values of one image in one dimension are its features too.
    case 1 where shape == [-1] && self.input.batch == 1 && isPoint(input):
      return .layer(input, isVector: true)
    case 2 where isBatch && isAll(shape[1], count, 1): return .layer(input, isVector: true)
    case 4 where isBatch && isPoint(input) && isAll(shape[1], count, 1):
      guard shape[2...].allSatisfy({ $0 == 1 }) else { break }
      return .layer(input, isVector: false)
    default: break
    }
    let shown = shape.prefix(8).map { $0.map { "\($0)" } ?? "?" }.joined(separator: ", ")
    throw unexpected(
      index,
      "a shape of 2 dimensions, the first -1, 0 or the batch, the second "
        + "\(count.map { "\($0)" } ?? "all values"), or an image of one pixel", "[\(shown)]")
  }

  /// What an Unsqueeze makes of a vector, or of one with one dimension of 1 already.
  mutating func unsqueezed(_ index: Int, _ input: String, rank: Int) throws(ImportError) -> Value {
    let axes = try axes(of: index)
    let places = Set(
      axes.map { $0 < 0 ? $0.addingReportingOverflow(Int64(rank + axes.count)).partialValue : $0 })
    switch (rank, places) {
    case (2, [2, 3]), (3, [2]), (3, [3]): return .layer(input, isVector: false)
    case (2, [2]): return .column(input)
    default: throw unexpected(index, "dimensions of 1 behind the channels", "\(axes.prefix(8))")
    }
  }

  /// A constant with dimensions of 1 more.
  mutating func unsqueezed(_ constant: Tensor, _ index: Int) throws(ImportError) -> Tensor {
    let axes = try axes(of: index)
    let rank = constant.shape.count + axes.count
    let places = Set(
      axes.map { $0 < 0 ? $0.addingReportingOverflow(Int64(rank)).partialValue : $0 })
    guard rank <= 8, places.count == axes.count,
      places.allSatisfy({ (0..<Int64(rank)).contains($0) })
    else { throw unexpected(index, "new dimensions, at most 8", "\(axes.prefix(8))") }
    var rest = constant.shape[...]
    let shape = (0..<rank).map { places.contains(Int64($0)) ? 1 : rest.removeFirst() }
    return Tensor(shape: shape, values: constant.values)
  }

  /// They are an attribute, since opset 13 an input.
  private mutating func axes(of index: Int) throws(ImportError) -> [Int64] {
    let node = node(index)
    if node.input.count > 1, let axes = try integers(node.input[1]) { return axes }
    return node.integers("axes", default: [])
  }

  // MARK: - Integers

  /// The numbers in a vector that is constant or computed of shapes, as far as they are known; nil if none is.
  private mutating func places(_ name: String) throws(ImportError) -> [Int64?]? {
    if case .integers(let found) = values[name] { return found.values }
    return try integers(name)
  }

  /// A small tensor of integers; nil if there is none of that name.
  private mutating func small(_ name: String) throws(ImportError) -> ONNXIntegers? {
    switch values[name] {
    case .integers(let found): return found
    case .constant(let tensor):
      guard tensor.dataType == Onnx_TensorProto.int64, tensor.dims.count <= 8,
        let count = elementCount(of: tensor.dims.map { Int($0) }), count <= ONNXIntegers.limit
      else { return nil }
      return ONNXIntegers(
        shape: tensor.dims.map { Int($0) }, try tensor.integers(&budget, externalData))
    default: return nil
    }
  }

  /// What a node makes of integers or of a value's shape; nil if it is nothing small, or not known.
  mutating func computed(_ index: Int) throws(ImportError) -> ONNXIntegers? {
    let node = node(index)
    if node.opType == "Shape" { return dimensions(node) }
    guard Self.integerOperations.contains(node.opType), node.input.count <= ONNXIntegers.limit
    else { return nil }
    var parts: [ONNXIntegers] = []
    for name in node.input {
      guard let part = try small(name) else { return nil }
      parts.append(part)
    }
    guard let first = parts.first else { return nil }
    switch node.opType {
    case "Identity": return first
    case "Cast": return [6, 7].contains(node.integer("to", default: 0)) ? first : nil
    case "Concat": return node.integer("axis", default: 0) == 0 ? .concatenated(parts) : nil
    case "ConstantOfShape":
      guard let value = node.attribute.first(where: { $0.name == "value" })?.t,
        value.dataType == Onnx_TensorProto.int64, let shape = first.known,
        shape.allSatisfy({ (0...Int64(ONNXIntegers.limit)).contains($0) }),
        let count = elementCount(of: shape.map { Int($0) }), count <= ONNXIntegers.limit
      else { return nil }
      let number = try value.integers(&budget, externalData)
      guard number.count == 1 else { return nil }
      return ONNXIntegers(
        shape: shape.map { Int($0) }, [Int64?](repeating: number[0], count: count))
    case "Reshape":
      guard parts.count == 2, node.integer("allowzero", default: 0) == 0 else { return nil }
      return parts[1].known.flatMap { first.reshaped($0) }
    case "Transpose":
      return node.integers("perm", default: [1, 0]) == [1, 0] ? first.transposed : nil
    case "Squeeze", "Unsqueeze":
      // Only vectors of one number become numbers, and numbers vectors.
      guard first.values.count == 1, first.shape.count < 2 else { return nil }
      return ONNXIntegers(shape: node.opType == "Squeeze" ? [] : [1], first.values)
    case "Gather":
      guard parts.count == 2, node.integer("axis", default: 0) == 0 else { return nil }
      return first.gathered(parts[1])
    case "Slice":
      let numbers = parts.dropFirst().map(\.known)
      guard (2...4).contains(numbers.count), numbers.allSatisfy({ $0?.count == 1 }),
        let start = numbers[0]?.first, let end = numbers[1]?.first,
        numbers.count < 3 || numbers[2] == [0]
      else { return nil }
      return first.rows(from: start, to: end, step: numbers.count > 3 ? numbers[3]?.first ?? 1 : 1)
    default:
      guard parts.count == 2 else { return nil }
      switch node.opType {
      case "Add": return first.combined(with: parts[1]) { $0.addingReportingOverflow($1) }
      case "Sub": return first.combined(with: parts[1]) { $0.subtractingReportingOverflow($1) }
      default: return first.combined(with: parts[1]) { $0.multipliedReportingOverflow(by: $1) }
      }
    }
  }

  private static let integerOperations: Set = [
    "Add", "Cast", "Concat", "ConstantOfShape", "Gather", "Identity", "Mul", "Reshape", "Slice",
    "Squeeze", "Sub", "Transpose", "Unsqueeze",
  ]

  /// The shape of a value, as far as it is known.
  private func dimensions(_ node: Onnx_NodeProto) -> ONNXIntegers? {
    guard !node.attribute.contains(where: { $0.name == "start" || $0.name == "end" }) else {
      return nil
    }
    switch values[node.input.first ?? ""] {
    case .layer(Network.image, isVector: false):
      return input.dimensions.flatMap { ONNXIntegers($0.map { $0.map { Int64($0) } }) }
    case .layer(let value, let isVector):
      let batch = input.batch.map { Int64($0) }
      if isVector { return ONNXIntegers([batch, valueCount(value).map { Int64($0) }]) }
      let (height, width) = (sizes[value]?.height, sizes[value]?.width)
      return ONNXIntegers([
        batch, Int64(channelCount(value)), height.map { Int64($0) }, width.map { Int64($0) },
      ])
    default: return nil
    }
  }
}
