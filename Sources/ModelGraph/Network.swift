// SPDX-License-Identifier: Apache-2.0

/// A network as its training wrote it down: layers, one after the other, on named values.
///
/// A layer reads values that layers before it made, or ``image``. Importers and ``ResNetConfig`` make networks;
/// passes such as ``foldBatchNorms()`` rewrite them; a ``Program`` is what is executed.
public struct Network: Equatable, Sendable {
  /// The name of the RGB image among the values.
  public static let image = "input"

  /// A height and a width, in pixels.
  public struct Extent: Hashable, Sendable, ExpressibleByIntegerLiteral {
    public var height, width: Int

    public init(_ height: Int, _ width: Int) { (self.height, self.width) = (height, width) }
    /// A square.
    public init(_ size: Int) { self.init(size, size) }

    /// A square.
    public init(integerLiteral size: Int) { self.init(size) }

    /// Such as `480×640`, height before width.
    public var text: String { "\(height)×\(width)" }
  }

  /// Pixels added at each side of an image.
  public struct Padding: Hashable, Sendable, ExpressibleByIntegerLiteral {
    public var top, left, bottom, right: Int

    public init(top: Int, left: Int, bottom: Int, right: Int) {
      (self.top, self.left, self.bottom, self.right) = (top, left, bottom, right)
    }
    /// The same at all sides.
    public init(_ all: Int) { self.init(top: all, left: all, bottom: all, right: all) }
    /// The same at all sides.
    public init(integerLiteral all: Int) { self.init(all) }

    var greatest: Int { max(top, left, bottom, right) }
  }

  /// A convolution, padded with zeros.
  public struct Convolution: Equatable, Sendable {
    public var inputChannels, outputChannels: Int
    public var kernel: Extent
    public var stride: Extent
    public var dilation: Extent
    public var padding: Padding
    /// Divides the channels: each group of outputs reads its group of inputs.
    public var groups: Int
    /// Row-major `[outputChannels][inputChannels / groups][kernel.height][kernel.width]`.
    public var weights: [Float]
    /// One value for each output channel, or none.
    public var bias: [Float]?

    package init(
      inputChannels: Int, outputChannels: Int, kernel: Extent, stride: Extent,
      dilation: Extent = Extent(1), padding: Padding, groups: Int = 1, weights: [Float],
      bias: [Float]?
    ) {
      (self.inputChannels, self.outputChannels) = (inputChannels, outputChannels)
      (self.kernel, self.stride, self.dilation) = (kernel, stride, dilation)
      (self.padding, self.groups) = (padding, groups)
      (self.weights, self.bias) = (weights, bias)
    }

    /// Weights for three channels of those for one, so that the network reads the channels' mean.
    package static func spread(_ weights: [Float], outputs: Int) -> [Float] {
      let taps = weights.count / max(1, outputs)
      return (0..<outputs).flatMap { output in
        let own = weights[output * taps..<(output + 1) * taps].map { Float(Double($0) / 3) }
        return own + own + own
      }
    }
  }

  /// Batch normalization in inference: `(x - mean) / sqrt(variance + ε) * γ + β`, for each channel.
  public struct BatchNorm: Equatable, Sendable {
    public var gamma, beta, mean, variance: [Float]
    public var epsilon: Double

    /// PyTorch's constant.
    public static let defaultEpsilon = 1e-5

    package init(
      gamma: [Float], beta: [Float], mean: [Float], variance: [Float],
      epsilon: Double = defaultEpsilon
    ) {
      (self.gamma, self.beta, self.mean, self.variance) = (gamma, beta, mean, variance)
      self.epsilon = epsilon
    }
  }

  /// The window of a pool.
  public struct Pool: Hashable, Sendable {
    public var kernel: Extent
    public var stride: Extent
    public var padding: Padding
    /// Whether an average counts the pixels of the padding.
    public var countsPadding: Bool
    /// Whether a window that overhangs the image gives a pixel too (`ceil_mode`).
    public var roundsUp: Bool

    package init(
      kernel: Extent, stride: Extent, padding: Padding = Padding(0), countsPadding: Bool = false,
      roundsUp: Bool = false
    ) {
      (self.kernel, self.stride, self.padding) = (kernel, stride, padding)
      (self.countsPadding, self.roundsUp) = (countsPadding, roundsUp)
    }
  }

  /// What a layer computes.
  public enum Kind: Equatable, Sendable {
    case convolution(Convolution)
    case batchNorm(BatchNorm)
    /// Limits each value: ReLU is from 0 to infinity, ReLU6 from 0 to 6.
    case clamp(lower: Float, upper: Float)
    /// Multiplies what is below 0 by the slope of its channel, of which there is one for each.
    case prelu(slopes: [Float])
    /// `1 / (1 + exp(-x))`.
    case sigmoid
    /// The sum of two inputs.
    case add
    /// The product of an image, the first input, and a number for each channel, the only pixel of the second: a gate.
    case multiply
    case maxPool(Pool)
    case averagePool(Pool)
    /// The image smoothed by [1 2 1] / 4 in both directions, reflected at its edges without repeating them, of which
    /// every `stride`th pixel remains, from the first on.
    case blurPool(stride: Extent)
    /// The mean over all pixels.
    case globalAveragePool
    /// A matrix product with a vector: an image's values are in the order of channels, rows and columns.
    case linear(Linear)

    public static let relu = Kind.clamp(lower: 0, upper: .infinity)

    var convolution: Convolution? {
      if case .convolution(let convolution) = self { convolution } else { nil }
    }
  }

  /// A layer and the values that it reads and makes.
  public struct Layer: Equatable, Sendable {
    /// `layer1.0.conv1`, or what the file calls it.
    public var name: String
    /// The part of the network that it is timed with: `stem`, `layer1.0` … , `head`.
    public var block: String
    public var kind: Kind
    public var inputs: [String]
    public var output: String

    package init(name: String, block: String, kind: Kind, inputs: [String], output: String) {
      (self.name, self.block, self.kind) = (name, block, kind)
      (self.inputs, self.output) = (inputs, output)
    }
  }

  /// A value that the caller reads.
  public struct Output: Equatable, Sendable {
    /// What an output is to a classifier.
    public enum Role: Equatable, Sendable {
      /// The pooled vector before the classifier.
      case features
      /// One number for each class.
      case logits
      /// Any other value.
      case other
    }

    /// `features`, `logits`, `layer2` or another.
    public var name: String
    public var value: String
    public var role: Role

    package init(name: String, value: String, role: Role) {
      (self.name, self.value, self.role) = (name, value, role)
    }
  }

  /// Where a network comes from.
  public struct Source: Equatable, Sendable {
    /// Such as `safetensors` or `random weights, seed 1`.
    public var format: String
    /// The SHA-256 of the file as 64 hexadecimal digits; empty if there was no file.
    public var sha256 = ""
    /// The keys of dictionaries under which the weights were found, such as `state_dict`, joined by points;
    /// nil if the top dictionary held them itself.
    public var wrapper: String?
    /// The prefix that was removed from the tensors' names, such as `module.`, which `DataParallel` adds; nil
    /// if there was none.
    public var strippedPrefix: String?
    /// The keys or prefixes of other copies of the weights, such as those that are not averaged.
    public var passedOver: [String] = []
    /// What the file says about the network's input.
    public var input = InputDescription()
    /// What was left out or assumed when the file was read, a short line each.
    public var notes: [String] = []
    /// The files beside the model's that hold elements of its tensors.
    package var dataFiles: [String] = []

    package init(format: String) { self.format = format }
  }

  /// The member of the family that the network is; nil if it is none.
  public internal(set) var config: ResNetConfig?
  /// In an order in which they can be computed.
  public package(set) var layers: [Layer]
  public package(set) var outputs: [Output]
  /// The values by the names that the file has for them, where those are others.
  var aliases: [String: String] = [:]
  public package(set) var source: Source

  /// `ResNet18` and so on, as ``ResNetConfig/name``.
  public var name: String { config?.name ?? "custom network" }

  package init(layers: [Layer] = [], outputs: [Output] = [], source: Source) {
    self.layers = layers
    self.outputs = outputs
    self.source = source
  }

  /// Checks that the network is of a known architecture, such as `resnet50`.
  ///
  /// - Throws: `GraphError.unknownArchitecture` or `.architectureMismatch`.
  public func check(architecture: String) throws(GraphError) {
    let required = try ResNetConfig(named: architecture)
    guard let config, config.isNamed(like: required) else {
      throw .architectureMismatch(expected: required.name, found: name)
    }
  }
}

/// The linear layer that makes logits of features.
public struct Linear: Equatable, Sendable {
  /// `fc`.
  public var name: String
  public var inputCount: Int
  public var outputCount: Int
  /// Row-major `[outputCount][inputCount]`, all finite.
  public var weights: [Float]
  /// One value for each output, all finite.
  public var bias: [Float]

  package init(
    name: String, inputCount: Int, outputCount: Int, weights: [Float], bias: [Float]
  ) {
    (self.name, self.inputCount, self.outputCount) = (name, inputCount, outputCount)
    (self.weights, self.bias) = (weights, bias)
  }
}
