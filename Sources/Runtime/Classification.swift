// SPDX-License-Identifier: Apache-2.0

#if !hasFeature(Embedded)
  /// A class that an image may belong to.
  public struct Guess: Equatable, Sendable {
    /// The name of the class in the plan, or "class" and its index if the plan has no names.
    public let label: String
    /// The index of the class, 0 to one less than the plan's number of classes.
    public let index: Int
    /// The softmax of the logit, or the sigmoid of the only one, 0…1.
    public let probability: Float
  }

  /// What a network says about one image.
  ///
  /// - **Allocates:** an array of logits and one of probabilities; the names are shared with the
  ///   classifier.
  public struct Classification: Sendable {
    /// One number for each class, in the order of the classes.
    public let logits: [Float]
    /// The softmax of the logits, or the sigmoid of the only one, 0…1, in the order of the classes; the
    /// same bits on every CPU.
    public let probabilities: [Float]

    /// Whether the image shows none of the classes, as far as the plan can tell; false if it cannot.
    public let isUnknown: Bool

    let labels: [String]

    /// The most probable classes, the first one first: `count` of them, or all if there are fewer.
    ///
    /// Classes are compared by their logits; of equal logits, the lower index comes first.
    ///
    /// - Parameter count: at least 0.
    /// - Complexity: O(classes + `count`²) for logits in random order.
    /// - **Allocates:** the array.
    public func top(_ count: Int) -> [Guess] {
      let indices = [Int](unsafeUninitializedCapacity: min(count, logits.count)) { room, filled in
        room.initialize(repeating: 0)
        filled = logits.withUnsafeBufferPointer { topK($0, into: room) }
      }
      return indices.map {
        Guess(
          label: labels.isEmpty ? "class \($0)" : labels[$0], index: $0,
          probability: probabilities[$0])
      }
    }
  }

  extension Classifier {
    /// Classifies an image of the network's own size.
    ///
    /// - Parameter pixels: RGB8, rows from top to bottom without padding, ``Plan/imageByteCount`` bytes,
    ///   resized and cropped as ``preprocessing`` says.
    /// - **Allocates:** the arrays of the result, and the names of the classes the first time.
    public mutating func classify(_ pixels: Span<UInt8>) -> Classification {
      run(pixels)
      return classification()
    }

    /// What the network said about the last image.
    package mutating func classification() -> Classification {
      let labels = labels ?? session.plan.classNames
      self.labels = labels
      return Classification(
        logits: Array(session.logits), probabilities: Array(probabilities()),
        isUnknown: isUnknown, labels: labels)
    }
  }
#endif
