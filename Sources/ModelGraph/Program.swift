// SPDX-License-Identifier: Apache-2.0

/// A convolution as it is executed, with its batch norm folded in, or the classifier.
public struct Convolution: Equatable, Sendable {
  /// `conv1`, `conv1.3`, `layer1.0.conv1`, `layer2.0.downsample` or `fc`.
  public var name: String
  public var inputChannels: Int
  public var outputChannels: Int
  /// The height and width of the kernel: 1 to 7.
  public var kernelSize: Int
  /// The step in both directions: 1 or 2.
  public var stride: Int
  /// The pixels from one tap of the kernel to the next, in both directions.
  public var dilation = 1
  /// The zeros added on each side of the input, in pixels.
  public var padding: Network.Padding
  /// The input channels that an output channel reads if there are groups, 4, 8 or a multiple of 16: output channel
  /// `c` reads those from `c / groupWidth * groupWidth` on. Nil if each reads all.
  public var groupWidth: Int?
  /// Row-major `[outputChannels][inputChannels or groupWidth][kernelSize][kernelSize]`, all finite.
  public var weights: [Float]
  /// One value for each output channel, all finite.
  public var bias: [Float]

  /// The input channels that an output channel reads.
  public var readChannels: Int { groupWidth ?? inputChannels }

  /// The height and width of what a kernel covers, gaps included.
  public var reach: Int { (kernelSize - 1) * dilation + 1 }

  package init(
    name: String, inputChannels: Int, outputChannels: Int, kernelSize: Int, stride: Int,
    dilation: Int = 1, padding: Network.Padding, groupWidth: Int? = nil, weights: [Float],
    bias: [Float]
  ) {
    self.name = name
    (self.inputChannels, self.outputChannels) = (inputChannels, outputChannels)
    (self.kernelSize, self.stride, self.dilation) = (kernelSize, stride, dilation)
    (self.padding, self.groupWidth) = (padding, groupWidth)
    (self.weights, self.bias) = (weights, bias)
  }
}

/// What is done to each channel of an image: `t = x * multiplier + offset`, then a residual is added, and what is
/// below 0 then is multiplied by the slope.
public struct ChannelScale: Equatable, Sendable {
  /// `layer1.0.bn1`, `layer1.0.se` and so on.
  public var name: String
  /// One for each channel; nil if the multipliers are the gate of the operation, or 1.
  public var multiplier: [Float]?
  /// One for each channel; nil for 0.
  public var offset: [Float]?
  /// One for each channel; nil for 1.
  public var slope: [Float]?
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
    /// The image smoothed, as `Network.Kind.blurPool`.
    case blurPool(stride: Network.Extent)
    /// The mean over all pixels: a vector of float32 numbers.
    case globalAverage
    /// A linear layer: a 1×1 convolution of a vector, in float32.
    case linear(Convolution)
    /// `1 / (1 + exp(-x))` of a vector.
    case sigmoid
    /// Multiplies and shifts channels, with the addition of `residual` if there is one.
    case scale(ChannelScale)

    /// The layer with weights that is computed, nil if there is none. A new one does not change the kind, and an
    /// operation without weights takes none.
    public var layer: Convolution? {
      get {
        switch self {
        case .stem(let layer), .convolution(let layer), .linear(let layer): layer
        case .input, .maxPool, .averagePool, .blurPool, .globalAverage, .sigmoid, .scale: nil
        }
      }
      set {
        guard let newValue else { return }
        switch self {
        case .stem: self = .stem(newValue)
        case .convolution: self = .convolution(newValue)
        case .linear: self = .linear(newValue)
        case .input, .maxPool, .averagePool, .blurPool, .globalAverage, .sigmoid, .scale: break
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
    /// The vector that has the multipliers of a ``Kind/scale(_:)``.
    public var gate: Int?
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
      if let gate = operation.gate { last[gate] = index }
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
      let padding = operation.kind.layer?.padding.greatest ?? 0
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
  /// The height of the output for an input's.
  public func outputHeight(_ height: Int) -> Int {
    (height + padding.top + padding.bottom - reach) / stride + 1
  }

  /// The width of the output for an input's.
  public func outputWidth(_ width: Int) -> Int {
    (width + padding.left + padding.right - reach) / stride + 1
  }
}
