// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
public import ResNetPlanFormat
import ResNetPlanning
import Synchronization

/// Images that a network is calibrated with or measured on.
public protocol ImageSource: Sendable {
  /// How many images there are.
  var count: Int { get }

  /// What the images are, in a few words; the same for the same images.
  var description: String { get }

  /// The pixels of image `index`, `0..<count`: RGB8, rows from top to bottom, 3 bytes for each pixel of
  /// the crop.
  ///
  /// Called from several threads.
  func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) throws -> [UInt8]

  /// The class of an image, the index of its logit; nil if it is not known.
  func label(_ index: Int) -> Int?
}

extension ImageSource {
  public func label(_ index: Int) -> Int? { nil }
}

/// Images of independent random bytes, for networks whose results do not matter.
public struct RandomImages: ImageSource {
  public let count: Int
  public let seed: UInt64

  public var description: String { "\(count) random images, seed \(seed)" }

  public init(count: Int, seed: UInt64) {
    self.count = count
    self.seed = seed
  }

  public func pixels(_ index: Int, _ preprocessing: PreprocessingRecord) -> [UInt8] {
    var generator = RandomGenerator(seed: seed &+ UInt64(index) << 32)
    return (0..<3 * preprocessing.crop.area).map { _ in
      UInt8(truncatingIfNeeded: generator.next() >> 56)
    }
  }
}

/// Some images of a source as a model's preprocessing makes them; those that fit in memory are read once.
package final class ModelImages: Sendable {
  /// Bytes of pixels that are kept: 159 images of 224 × 224.
  private static let byteLimit = 24_000_000

  let source: any ImageSource
  let model: FloatModel
  /// The numbers of the images in the source.
  let indices: [Int]
  /// The pixels by position in `indices`; nil if images are read only once.
  private let kept: Mutex<[Int: [UInt8]]>
  private let limit: Int

  var count: Int { indices.count }

  /// - Parameters:
  ///   - indices: the images; nil for all.
  ///   - isReused: whether images will be read more than once.
  init(
    _ source: any ImageSource, _ indices: [Int]? = nil, for model: FloatModel, isReused: Bool = true
  ) {
    self.source = source
    self.model = model
    self.indices = indices ?? Array(0..<source.count)
    limit = isReused ? Self.byteLimit / (3 * model.preprocessing.crop.area) : 0
    kept = Mutex([:])
  }

  func label(_ position: Int) -> Int? { source.label(indices[position]) }

  func pixels(_ position: Int) throws -> [UInt8] {
    if let pixels = kept.withLock({ $0[position] }) { return pixels }
    let pixels = try source.pixels(indices[position], model.preprocessing)
    kept.withLock { if $0.count < limit { $0[position] = pixels } }
    return pixels
  }

  /// The pixels of an image, or why they cannot be read if the image has a label: it is left out then.
  func readable(_ position: Int) throws -> Result<[UInt8], QuantizationError> {
    do {
      return .success(try pixels(position))
    } catch QuantizationError.photo(let path, let reason) where label(position) != nil {
      return .failure(.photo(path: path, reason: reason))
    }
  }
}
