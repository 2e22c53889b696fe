// SPDX-License-Identifier: Apache-2.0

/// A small tensor of integers, as graphs compute shapes, pads and places with. An element is nil if it is not known
/// before there is an image, such as the batch.
struct ONNXIntegers: Equatable {
  /// The greatest number of elements.
  static let limit = 64

  private(set) var shape: [Int]
  private(set) var values: [Int64?]

  /// A tensor; nil if it has too many elements, or others than its shape.
  init?(shape: [Int], _ values: [Int64?]) {
    guard values.count <= Self.limit, elementCount(of: shape) == values.count else { return nil }
    (self.shape, self.values) = (shape, values)
  }

  /// A vector; nil if it has too many elements.
  init?(_ values: [Int64?]) { self.init(shape: [values.count], values) }

  /// The values, if all of them are known.
  var known: [Int64]? {
    let known = values.compactMap { $0 }
    return known.count == values.count ? known : nil
  }

  /// The tensors one after the other in the first dimension; nil if their other dimensions differ.
  static func concatenated(_ parts: [ONNXIntegers]) -> ONNXIntegers? {
    guard let first = parts.first, !first.shape.isEmpty else { return nil }
    var rows = 0
    var values: [Int64?] = []
    for part in parts {
      guard part.shape.dropFirst() == first.shape.dropFirst(), part.shape.count > 0 else {
        return nil
      }
      rows += part.shape[0]
      values += part.values
      if values.count > limit { return nil }
    }
    return ONNXIntegers(shape: [rows] + first.shape.dropFirst(), values)
  }

  /// The same values in another shape, of which 0 is the old dimension and -1 what remains; nil if they do not fit.
  func reshaped(_ target: [Int64]) -> ONNXIntegers? {
    guard target.count <= 8 else { return nil }
    var result: [Int] = []
    for (place, size) in target.enumerated() {
      if size == 0, place < shape.count {
        result.append(shape[place])
      } else {
        guard (-1...Int64(Self.limit)).contains(size) else { return nil }
        result.append(Int(size))
      }
    }
    if let rest = result.firstIndex(of: -1) {
      result[rest] = 1
      guard let others = elementCount(of: result), others > 0, values.count.isMultiple(of: others)
      else { return nil }
      result[rest] = values.count / others
    }
    return ONNXIntegers(shape: result, values)
  }

  /// Rows and columns exchanged; a vector stays as it is.
  var transposed: ONNXIntegers? {
    if shape.count < 2 { return self }
    guard shape.count == 2 else { return nil }
    let (rows, columns) = (shape[0], shape[1])
    return ONNXIntegers(
      shape: [columns, rows],
      (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } })
  }

  /// Every `step`th row from `start` to before `end`, as ONNX's Slice counts them; nil if the step is 0.
  func rows(from start: Int64, to end: Int64, step: Int64) -> ONNXIntegers? {
    guard step != 0, let count = shape.first else { return nil }
    let size = Int64(count)
    func place(_ value: Int64) -> Int64 {
      // Below 0 it counts from the end.
      let place = value < 0 ? value.addingReportingOverflow(size).partialValue : value
      return step > 0 ? min(max(place, 0), size) : min(max(place, -1), size - 1)
    }
    let length = count == 0 ? 0 : values.count / count
    var found: [Int64?] = []
    var rows = 0
    var row = place(start)
    let last = place(end)
    while step > 0 ? row < last : row > last {
      found += values[Int(row) * length..<(Int(row) + 1) * length]
      rows += 1
      let (next, overflowed) = row.addingReportingOverflow(step)
      if overflowed { break }
      row = next
    }
    return ONNXIntegers(shape: [rows] + shape.dropFirst(), found)
  }

  /// The elements of a vector at places, in the places' shape.
  func gathered(_ places: ONNXIntegers) -> ONNXIntegers? {
    guard shape.count == 1, let known = places.known else { return nil }
    var found: [Int64?] = []
    for place in known {
      let index =
        place < 0 ? place.addingReportingOverflow(Int64(values.count)).partialValue : place
      guard let index = Int(exactly: index), values.indices.contains(index) else { return nil }
      found.append(values[index])
    }
    return ONNXIntegers(shape: places.shape, found)
  }

  /// The elements combined with those of another tensor of the same shape, or with its only one; what overflows is
  /// not known.
  func combined(
    with other: ONNXIntegers, _ operation: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
  ) -> ONNXIntegers? {
    guard other.shape == shape || other.values.count == 1 || values.count == 1 else { return nil }
    let longer = values.count >= other.values.count ? shape : other.shape
    let count = max(values.count, other.values.count)
    if values.isEmpty || other.values.isEmpty { return nil }
    return ONNXIntegers(
      shape: longer,
      (0..<count).map { index in
        guard let first = values[values.count == 1 ? 0 : index],
          let second = other.values[other.values.count == 1 ? 0 : index]
        else { return nil }
        let (result, overflowed) = operation(first, second)
        return overflowed ? nil : result
      })
  }
}
