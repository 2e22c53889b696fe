// SPDX-License-Identifier: Apache-2.0

import Foundation
import ResNetModelGraph
import ResNetPlanFormat
import ResNetPlanning
import ResNetQuantization
import ResNetRuntime

/// How far a plan is from float32 on some images.
struct Comparison: Sendable {
  /// Sums of squares of the float32 values and of the differences from them.
  struct Noise: Sendable {
    var signal = 0.0
    var noise = 0.0

    /// The signal-to-quantization-noise ratio; infinite without noise.
    var decibels: Double { 10 * log10(signal / noise) }

    mutating func add(_ reference: Float, _ value: Float) {
      signal += Double(reference) * Double(reference)
      noise += Double(value - reference) * Double(value - reference)
    }

    static func += (sum: inout Noise, other: Noise) {
      sum.signal += other.signal
      sum.noise += other.noise
    }
  }

  /// How often the right class came first and among the first five.
  struct Score: Sendable {
    var first = 0
    var firstFive = 0

    mutating func count(_ label: Int, _ logits: [Float]) {
      // Of equal logits the first counts more, as in resnet-run.
      let rank = logits.indices.count {
        logits[$0] > logits[label] || (logits[$0] == logits[label] && $0 < label)
      }
      first += rank == 0 ? 1 : 0
      firstFive += rank < 5 ? 1 : 0
    }

    static func += (sum: inout Score, other: Score) {
      sum.first += other.first
      sum.firstFive += other.firstFive
    }
  }

  var imageCount = 0
  /// The output of each block, in order.
  var blocks: [Noise]
  var logits = Noise()
  /// The sum over images of the cosine between float32 logits and the plan's.
  var cosines = 0.0
  /// The images to which both give the same label.
  var agreeing = 0
  /// For images with labels.
  var floatScore = Score()
  var score = Score()

  /// The mean cosine.
  var cosine: Double { cosines / Double(imageCount) }

  /// The part of the images to which both give the same label.
  var agreement: Double { Double(agreeing) / Double(imageCount) }

  private mutating func add(_ image: Comparison) {
    imageCount += image.imageCount
    for block in blocks.indices { blocks[block] += image.blocks[block] }
    logits += image.logits
    cosines += image.cosines
    agreeing += image.agreeing
    floatScore += image.floatScore
    score += image.score
  }
}

/// The blocks of a graph and the tensors that they end with.
func blockOutputs(of graph: Program) -> [(name: String, tensor: Int)] {
  var outputs: [(name: String, tensor: Int)] = []
  for operation in graph.operations where operation.output != graph.logitsTensor {
    if outputs.last?.name == operation.block { outputs.removeLast() }
    outputs.append((operation.block, operation.output))
  }
  return outputs
}

extension Comparison {
  /// Compares a plan with float32 on photos with labels.
  static func compare(
    _ model: FloatModel, with plan: PlanBytes, on photos: LabelledImages, threads: Int,
    progress: Progress, _ title: String
  ) throws -> Comparison {
    progress.begin(title, total: photos.images.count)
    return try compare(
      model, with: plan, images: Array(0..<photos.images.count), threads: threads,
      pixels: { try photos.images.pixels($0) }, label: { photos.label($0) },
      progress: { progress.advance(to: $0) })
  }

  /// Runs images through float32 and through a plan.
  ///
  /// Sums are taken image by image and added in the order of images: the same for any number of
  /// threads.
  ///
  /// - Parameters:
  ///   - plan: a plan of `model`'s graph that keeps all tensors.
  ///   - images: which images, numbers for `pixels` and `label`.
  ///   - label: the class of an image, if it is known.
  static func compare(
    _ model: FloatModel, with plan: PlanBytes, images: [Int], threads: Int,
    pixels: @Sendable (Int) throws -> [UInt8], label: @Sendable (Int) -> Int? = { _ in nil },
    progress: @Sendable (Int) -> Void
  ) throws -> Comparison {
    let blocks = blockOutputs(of: model.program)
    let nothing = Comparison(blocks: [Noise](repeating: Noise(), count: blocks.count))
    let results = try withoutActuallyEscaping(pixels) { pixels in
      try withoutActuallyEscaping(label) { label in
        try mapImages(count: images.count, threads: threads, progress: progress) {
          let executor = FloatExecutor(model)
          let session = try PlanSession(plan)
          var values: [Float] = []
          return { place in
            let image = try pixels(images[place])
            session.run(image)
            var result = nothing
            executor.run(image) { tensor in
              guard let block = blocks.firstIndex(where: { $0.tensor == tensor }) else { return }
              executor.read(tensor, into: &values)
              result.blocks[block] = session.noise(of: tensor, values)
            }
            session.compare(
              executor.values(of: model.program.logitsTensor), label(images[place]), &result)
            return result
          }
        }
      }
    }
    var sum = nothing
    for result in results { sum.add(result) }
    return sum
  }
}

/// A plan file in memory, aligned as a mapped one.
final class PlanBytes: @unchecked Sendable {
  let bytes: UnsafeRawBufferPointer

  init(_ file: [UInt8]) {
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: file.count, alignment: PlanLayout.alignment)
    memory.copyBytes(from: file)
    bytes = UnsafeRawBufferPointer(memory)
  }

  deinit { bytes.deallocate() }
}

/// A session on one thread, to keep in an array.
final class PlanSession {
  private let file: PlanBytes
  private var session: Session

  init(_ file: PlanBytes) throws {
    self.file = file
    session = try Session(Plan(unownedBytes: file.bytes))
  }

  func run(_ image: [UInt8]) { session.run(image.span) }

  var logits: [Float] { Array(session.logits) }

  func noise(of tensor: Int, _ reference: [Float]) -> Comparison.Noise {
    var noise = Comparison.Noise()
    var place = 0
    reference.withUnsafeBufferPointer { reference in
      session.forEachValue(of: tensor) {
        noise.add(reference[place], $0)
        place += 1
      }
    }
    return noise
  }

  /// Compares logits with those of float32.
  func compare(_ reference: [Float], _ label: Int?, _ result: inout Comparison) {
    result.imageCount = 1
    let logits = logits
    var product = 0.0
    var square = 0.0
    for (a, b) in zip(reference, logits) {
      result.logits.add(a, b)
      product += Double(a) * Double(b)
      square += Double(b) * Double(b)
    }
    let lengths = (result.logits.signal * square).squareRoot()
    result.cosines = lengths > 0 ? product / lengths : 1
    result.agreeing = first(reference) == first(logits) ? 1 : 0
    if let label {
      result.floatScore.count(label, reference)
      result.score.count(label, logits)
    }
  }

  private func first(_ values: [Float]) -> Int? { values.firstIndex(of: values.max() ?? 0) }
}
