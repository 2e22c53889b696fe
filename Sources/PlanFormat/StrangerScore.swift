// SPDX-License-Identifier: Apache-2.0

/// What a photo is told from that shows none of the classes: a stranger has less of it than a threshold.
public enum StrangerScore: UInt32, Sendable {
  /// The plan knows no strangers.
  case none = 0
  /// The greatest probability.
  case probability = 1
  /// The greatest cosine between the photo's features and the mean features of a class.
  case likeness = 2
}
