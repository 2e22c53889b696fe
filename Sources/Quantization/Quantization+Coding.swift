// SPDX-License-Identifier: Apache-2.0

import ResNetModelGraph
public import ResNetPlanFormat
import ResNetPlanning

/// A convolution that codes its inputs.
public struct CodedLayer: Sendable {
  public let name: String
  public let form: Arithmetic.Algorithm
  /// The part of the time of direct sums that the form saves, by counted instructions.
  public let saving: Double
  /// The signal-to-noise ratio of the logits if this layer alone is coded, dB.
  public let decibels: Double
}

/// A limit of what coding may cost on images with labels.
public struct DropLimit: Sendable {
  /// Percentage points of top-1 below float32's.
  public var points: Double
  public var images: any ImageSource

  public init(points: Double, images: any ImageSource) {
    (self.points, self.images) = (points, images)
  }
}

extension Quantization {
  /// Codes the inputs of convolutions where that saves most time for the noise it adds.
  ///
  /// Each form of each layer is measured alone: its noise in the logits of the held-out images, against the counted
  /// instructions that it saves. All layers start with what saves most; then, one after the other, the form that loses
  /// least time for the noise that it takes away makes room for a milder one or for direct sums. By what was measured
  /// of single layers, each of these choices has less noise than the one before, so the first within the limits is
  /// searched for by halving; what is taken was measured as a whole, and is within them.
  ///
  /// - Parameters:
  ///   - decibels: the least signal-to-noise ratio of the logits on held-out images. If direct sums do not have it
  ///     either, nothing is coded.
  ///   - drop: how far top-1 may fall on other images; nil if it does not matter.
  /// - Returns: how the choice did on the images of `drop`, if there are any.
  /// - Throws: a `PlanningError`, or an error of the images.
  /// - **Allocates:** for each thread 2 MB for each 3×3 convolution and form, and as a ``Comparison`` does.
  @discardableResult
  public mutating func codeConvolutions(
    keeping decibels: Double, drop: DropLimit? = nil
  ) throws -> Comparison? {
    let labelled = try drop.map { drop in
      let images = ModelImages(drop.images, for: scheme.model)
      return (images: images, references: try floatLogits(of: images), points: drop.points)
    }
    var choices = [CodedChoice(options: try options(scheme.codedCandidates))]
    while let next = choices.last!.milder { choices.append(next) }
    // All before `first` are beyond the limits; the last one, of direct sums, is taken as it is.
    var (first, end) = (0, choices.count - 1)
    var best: CodedTrial?
    while first < end {
      let middle = (first + end) / 2
      let codings = choices[middle].codings
      var trial = try self.trial(codings, "measuring \(codings.count) coded layers")
      let isWithin = trial.logits.decibels >= decibels
      if isWithin, let labelled {
        trial.evaluation = try Comparison.compare(
          trial.scheme, on: labelled.images, references: labelled.references, threads: threads,
          stage: "evaluating \(codings.count) coded layers", progress: progress)
      }
      if isWithin, labelled.map({ trial.evaluation!.keeps($0.points) }) ?? true {
        (best, end) = (trial, middle)
      } else {
        first = middle + 1
      }
    }
    guard let best else { return nil }
    scheme = best.scheme
    codedLayers = choices[end].layers
    return best.evaluation
  }

  private func trial(_ codings: [String: Coding], _ stage: String) throws -> CodedTrial {
    // With the means of direct sums: measured anew in the coded network, they made the logits worse.
    var trial = scheme
    trial.codings = codings
    let found = try Comparison.compare(
      trial, on: heldOut, references: references, threads: threads, stage: stage,
      progress: progress)
    return CodedTrial(scheme: trial, logits: found.logits)
  }

  /// Each form of each layer, with its coding and the noise that it alone adds.
  private func options(_ candidates: [CodedCandidate]) throws -> [[CodedOption]] {
    let wanted = candidates.flatMap { candidate in
      candidate.savings.map { (operation: candidate.operation, form: $0.form) }
    }
    guard !wanted.isEmpty else { return [] }
    let codings = try sample.codings(scheme, wanted, threads: threads, progress: progress)
    let direct = try trial([:], "measuring direct sums").logits.noise
    var position = 0
    return try candidates.map { candidate in
      let name = scheme.model.program.operations[candidate.operation].name
      return try candidate.savings.compactMap { saving in
        let coding = codings[position]
        position += 1
        do {
          let found = try trial([name: coding], "measuring \(name) coded").logits
          return CodedOption(
            layer: CodedLayer(
              name: name, form: saving.form, saving: saving.part, decibels: found.decibels),
            coding: coding, cost: saving.part * candidate.directCost,
            noise: max(found.noise - direct, 0))
        } catch PlanningError.codedSums {
          return nil
        }
      }
    }
  }
}

/// A choice as it was measured.
private struct CodedTrial {
  let scheme: QuantizationScheme
  /// Of the held-out images.
  let logits: Comparison.Noise
  /// On the images of a limit of top-1.
  var evaluation: Comparison?
}

/// A form of a layer.
private struct CodedOption {
  let layer: CodedLayer
  let coding: Coding
  /// The instructions that it saves, and the noise that it adds.
  let cost, noise: Double
}

/// A form for each layer, or direct sums.
private struct CodedChoice {
  /// Of each layer, what saves most first.
  let options: [[CodedOption]]
  /// By layer; nil for direct sums.
  private var chosen: [Int?]

  /// What saves most.
  init(options: [[CodedOption]]) {
    self.options = options
    chosen = options.map { $0.isEmpty ? nil : 0 }
  }

  private var all: [CodedOption] {
    zip(options, chosen).compactMap { options, place in place.map { options[$0] } }
  }

  var layers: [CodedLayer] { all.map(\.layer) }
  var codings: [String: Coding] {
    Dictionary(uniqueKeysWithValues: all.map { ($0.layer.name, $0.coding) })
  }

  /// The choice with one milder form, or one layer less, that loses least for the noise it takes away; nil if nothing
  /// is coded.
  var milder: CodedChoice? {
    var best: (layer: Int, place: Int?, gain: Double)?
    for (layer, place) in chosen.enumerated() {
      guard let place else { continue }
      let now = options[layer][place]
      for other in (place + 1..<options[layer].count).map({ Optional($0) }) + [nil] {
        let milder = other.map { options[layer][$0] }
        let gain = (now.noise - (milder?.noise ?? 0)) / max(now.cost - (milder?.cost ?? 0), 1)
        if gain > best?.gain ?? -.infinity { best = (layer, other, gain) }
      }
    }
    guard let best else { return nil }
    var next = self
    next.chosen[best.layer] = best.place
    return next
  }
}
