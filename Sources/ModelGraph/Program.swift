// SPDX-License-Identifier: Apache-2.0

/// A convolution as it is executed, with its batch norm folded in, or the classifier.
public struct Convolution: Equatable, Sendable {
  /// `conv1`, `conv1.3`, `layer1.0.conv1`, `layer2.0.downsample` or `fc`.
  public var name: String
  public var inputChannels: Int
  public var outputChannels: Int
  /// The height and width of the kernel: 1, 2 (a pooled shortcut), 3 or 7.
  public var kernelSize: Int
  /// The step in both directions: 1 or 2.
  public var stride: Int
  /// The zeros added on each side of the input, in pixels: half of an odd kernel, none for 2.
  public var padding: Int
  /// Row-major `[outputChannels][inputChannels][kernelSize][kernelSize]`, all finite.
  public var weights: [Float]
  /// One value for each output channel, all finite.
  public var bias: [Float]
}

/// A network as it is executed: one operation after the other on numbered tensors, with every ReLU and
/// residual addition fused into the convolution before it.
public struct Program: Sendable {
  /// What an operation computes.
  public enum Kind: Equatable, Sendable {
    /// Makes the first tensor of RGB pixels.
    case input
    /// The stem's last convolution, ReLU and the 3×3 max pool with stride 2.
    case stem(Convolution)
    /// Convolution, with the addition of `residual` if there is one.
    case convolution(Convolution)
    /// The greatest value of each window; `roundsUp` is false, and every window has a pixel of the image.
    case maxPool(Network.Pool)
    /// The mean of each window, as for ``maxPool(_:)``.
    case averagePool(Network.Pool)
    /// The mean over all pixels.
    case globalAverage
    /// The classifier: a 1×1 convolution of one pixel.
    case linear(Convolution)

    /// The layer with weights that is computed, nil if there is none. A new one does not change the kind, and an
    /// operation without weights takes none.
    public var layer: Convolution? {
      get {
        switch self {
        case .stem(let layer), .convolution(let layer), .linear(let layer): layer
        case .input, .maxPool, .averagePool, .globalAverage: nil
        }
      }
      set {
        guard let newValue else { return }
        switch self {
        case .stem: self = .stem(newValue)
        case .convolution: self = .convolution(newValue)
        case .linear: self = .linear(newValue)
        case .input, .maxPool, .averagePool, .globalAverage: break
        }
      }
    }
  }

  /// An operation.
  public struct Operation: Equatable, Sendable {
    public var kind: Kind
    /// `layer1.0.conv1` and so on.
    public var name: String
    /// The block it is timed with: `stem`, `layer1.0` … , `head`.
    public var block: String
    /// Tensors by index; the input of ``Kind/input`` is the caller's image.
    public var input: Int
    public var residual: Int?
    public var output: Int
    /// Whether the result is rectified.
    public var isRectified: Bool
    /// What no value of the result exceeds: 6 for ReLU6, infinity for none.
    public var upper: Float = .infinity
    /// The multiplications of the network's own shape.
    public var multiplications: Int
  }

  /// A tensor between operations.
  public struct Tensor: Equatable, Sendable {
    public var name: String
    public var height, width, channels: Int
    /// Pixels of padding that its consumers read around it. A residual has the border of the
    /// tensor that it is added into, so that the sum can be written in its place.
    public var border = 0
    /// Whether no value is negative.
    public var isRectified = false
  }

  /// What the caller reads after a run.
  public struct Output: Equatable, Sendable {
    /// `logits`, `layer2` or another; no other output has it.
    public var name: String
    public var role: Network.Output.Role
    public var tensor: Int
  }

  /// The network in a few words, such as `ResNet18`.
  public let name: String
  /// At least one; at most one has the features, and one the logits.
  public internal(set) var outputs: [Output] = []
  /// Of the image, in pixels.
  public let inputHeight, inputWidth: Int
  public internal(set) var tensors: [Tensor] = []
  public internal(set) var operations: [Operation] = []

  /// Both.
  public var inputExtent: Network.Extent { Network.Extent(inputHeight, inputWidth) }

  /// A program without operations.
  init(name: String, height: Int, width: Int) {
    self.name = name
    (inputHeight, inputWidth) = (height, width)
  }

  /// The first and the last operation in which each tensor is live. Outputs live to the end, where
  /// the caller reads them.
  public var lifetimes: [ClosedRange<Int>] {
    var first = [Int](repeating: 0, count: tensors.count)
    var last = [Int](repeating: 0, count: tensors.count)
    for (index, operation) in operations.enumerated() {
      first[operation.output] = index
      last[operation.output] = index
      if operation.kind != .input { last[operation.input] = index }
      if let residual = operation.residual { last[residual] = index }
    }
    for output in outputs { last[output.tensor] = operations.count - 1 }
    return zip(first, last).map { $0...$1 }
  }

  /// The tensor of the logits; nil of a network without a classifier.
  public var logitsTensor: Int? { outputs.first { $0.role == .logits }?.tensor }

  /// The number of classes; 0 without logits.
  public var classCount: Int { logitsTensor.map { tensors[$0].channels } ?? 0 }

  /// The output by which plans are compared with float32: the logits, or else the features, or else the last one.
  public var mainOutput: Output {
    outputs.first { $0.role == .logits } ?? outputs.first { $0.role == .features }
      ?? outputs[outputs.count - 1]
  }

  /// Takes the weights out of an operation, whose biases and shape stay.
  ///
  /// Whoever keeps them in another layout need not have them twice.
  ///
  /// - Returns: the weights as they were; none for an operation without.
  package mutating func takeWeights(of operation: Int) -> [Float] {
    let weights = operations[operation].kind.layer?.weights ?? []
    operations[operation].kind.layer?.weights = []
    return weights
  }

  /// Gives each tensor the border that its consumers read.
  mutating func setBorders() {
    for operation in operations {
      // The windows of pools are cut to the image.
      let padding = operation.kind.layer?.padding ?? 0
      tensors[operation.input].border = max(tensors[operation.input].border, padding)
    }
    // Residuals form chains from block to block: once forwards, once backwards.
    for operation in operations + operations.reversed() {
      guard let residual = operation.residual else { continue }
      let border = max(tensors[residual].border, tensors[operation.output].border)
      tensors[residual].border = border
      tensors[operation.output].border = border
    }
  }
}

extension Convolution {
  /// The height or width of the output for an input's.
  public func outputSize(_ inputSize: Int) -> Int {
    (inputSize + 2 * padding - kernelSize) / stride + 1
  }
}
