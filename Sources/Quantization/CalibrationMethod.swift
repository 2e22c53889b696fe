// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
public import ResNetPlanning

/// How the range of an activation tensor is chosen from its distribution.
public enum CalibrationMethod: Equatable, Sendable {
  /// From the smallest to the greatest value seen.
  case minMax
  /// The smallest and the greatest value of each image, averaged over the images: the mean moves a
  /// tenth of the way to each image, in the order given.
  case movingAverage
  /// So that the given per cent (50…100) of all values are not clipped on either side.
  case percentile(Double)
  /// The range whose 255 levels lose least information: the least Kullback-Leibler divergence of the
  /// levels from the distribution, for a range as far below zero as above (Migacz, 8-bit Inference
  /// with TensorRT, 2017).
  case entropy
  /// The range with the least mean squared error of rounding and clipping.
  case meanSquaredError
}

extension CalibrationMethod: CaseIterable {
  /// What a search tries.
  public static let allCases: [CalibrationMethod] = [
    .minMax, .movingAverage, .percentile(99.999), .percentile(99.9999), .entropy,
    .meanSquaredError,
  ]
}

extension CalibrationMethod: LosslessStringConvertible {
  public var description: String {
    switch self {
    case .minMax: "min-max"
    case .movingAverage: "moving-average"
    case .entropy: "entropy"
    case .meanSquaredError: "mse"
    case .percentile(let percent): "percentile \(percent)"
    }
  }

  /// Finds a method by its ``description``; a percentile without a number is 99.9999.
  public init?(_ description: String) {
    let words = description.split(separator: " ")
    if words.first == "percentile", words.count <= 2 {
      guard let percent = words.count == 1 ? 99.9999 : Double(words[1]), 50...100 ~= percent else {
        return nil
      }
      self = .percentile(percent)
    } else if let method = Self.allCases.first(where: { $0.description == description }) {
      self = method
    } else {
      return nil
    }
  }
}

extension Calibration {
  /// The range of a tensor by a method; reversed for one without values.
  public func range(of tensor: Int, method: CalibrationMethod) -> (low: Float, high: Float) {
    let histogram = histograms[tensor]
    switch method {
    case .minMax: return (histogram.minimum, histogram.maximum)
    case .movingAverage: return movingAverage(of: tensor)
    case .percentile(let percent):
      return (histogram.lowerPercentile(percent), histogram.upperPercentile(percent))
    case .entropy: return histogram.rangeOfLeastDivergence()
    case .meanSquaredError: return histogram.rangeOfLeastError()
    }
  }

  private func movingAverage(of tensor: Int) -> (low: Float, high: Float) {
    guard var mean = extremes[tensor].first.map({ SIMD2<Double>($0) }) else {
      return (.infinity, -.infinity)
    }
    for image in extremes[tensor].dropFirst() { mean += 0.1 * (SIMD2<Double>(image) - mean) }
    return (Float(mean.x), Float(mean.y))
  }
}

extension Calibration {
  /// The scales of all tensors of a graph by a method.
  ///
  /// Nothing is clipped of what is only added to a sum: int8 plans keep it in 16 bits, where the widest range is fine
  /// enough.
  public func scales(of graph: Program, method: CalibrationMethod) -> [ActivationScale] {
    let read = Set(graph.operations.map(\.input))
    let added = Set(graph.operations.compactMap(\.residual)).subtracting(read)
    return graph.tensors.indices.map { tensor in
      let (low, high) = range(of: tensor, method: added.contains(tensor) ? .minMax : method)
      return ActivationScale(low: graph.tensors[tensor].isRectified ? 0 : low, high: high)
    }
  }
}
