// SPDX-License-Identifier: Apache-2.0

public import ResNetPlanFormat

/// The rule that tells strangers, and how it was found.
public struct StrangerRule: Equatable, Sendable {
  /// What is compared.
  public var score: StrangerScore
  /// Photos with a lesser score are strangers.
  public var threshold: Double
  /// The share of the photos that the rule rejects though they are of the classes, measured on photos left out.
  public var falseRejects: Double
  /// The share of strangers that each score catches at such a threshold. Strangers are the photos of each class in
  /// turn, for a head that was taught without that class.
  public var caughtByProbability, caughtByLikeness: Double
}

/// What is known about a head from photos that it was not taught with.
public struct TeachingResult: Equatable, Sendable {
  /// The photos, each of which was left out once.
  public var photos = 0
  /// The parts that were left out by turns; as many as photos if each was left out alone.
  public var folds = 0
  /// What the squared weights were multiplied by: 1 / C of scikit-learn.
  public var strength = 0.0
  /// The mean loss of the photos left out, as the fits say and with calibrated probabilities.
  public var loss = 0.0, calibratedLoss = 0.0
  /// The mean loss of the photos that the head was taught with, before it was calibrated.
  public var trainingLoss = 0.0
  /// Photos left out that were named right.
  public var right = 0
  /// What the logits were divided by to calibrate the probabilities.
  public var temperature = 1.0
  /// The coordinates of a photo in the fits.
  public var rank = 0
  /// Fits, and their iterations in all.
  public var fits = 0, iterations = 0
  /// How strangers are told; nil if that was not asked for.
  public var strangers: StrangerRule?

  /// The share of the photos left out that were named right.
  public var top1: Double { Double(right) / Double(max(photos, 1)) }

  /// The interval in which ``top1`` lies for all such photos with a probability of 95 % (Wilson, Probable Inference,
  /// 1927).
  public var interval: ClosedRange<Double> {
    let (count, z) = (Double(max(photos, 1)), 1.959963984540054)
    let share = top1
    let middle = share + z * z / (2 * count)
    let half = z * (share * (1 - share) / count + z * z / (4 * count * count)).squareRoot()
    let scale = 1 + z * z / count
    return max((middle - half) / scale, 0)...min((middle + half) / scale, 1)
  }
}

/// What a head says of a photo that it was not taught with.
public struct Verdict: Equatable, Sendable, BitwiseCopyable {
  /// The class of the photo.
  public var label: Int
  /// The most probable class.
  public var best: Int
  /// The calibrated probabilities of both.
  public var probability, bestProbability: Double
}
