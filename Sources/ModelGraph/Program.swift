// SPDX-License-Identifier: Apache-2.0

/// A graph as it is executed: one operation after the other on numbered tensors, with every ReLU and
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
    /// The mean over all pixels.
    case averagePool
    /// The classifier.
    case linear(Linear)
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
    /// The multiplications of the network's own shape.
    public var multiplications: Int
  }

  /// A tensor between operations.
  public struct Tensor: Equatable, Sendable {
    public var name: String
    public var height, width, channels: Int
    /// Pixels of padding that its consumers read around it. A residual has the border of the
    /// tensor that it is added into, so that the sum can be written in its place.
    public var border: Int
    /// Whether no value is negative.
    public var isRectified: Bool
  }

  /// What the caller reads after a run.
  public struct Output: Equatable, Sendable {
    /// What an output is to a classifier.
    public enum Role: Equatable, Sendable {
      /// The pooled vector before the classifier.
      case features
      /// One number for each class.
      case logits
    }

    public var role: Role
    public var tensor: Int
  }

  /// The network in a few words, such as `ResNet18`.
  public let name: String
  /// Features and logits.
  public private(set) var outputs: [Output] = []
  /// Height and width of the image, in pixels.
  public let inputSize: Int
  public private(set) var tensors: [Tensor] = []
  public private(set) var operations: [Operation] = []

  /// Fuses a graph for square images of `inputSize` (32…1024) pixels, which must have passed
  /// `Graph.check(inputSize:)`.
  public init(_ graph: Graph, inputSize: Int) {
    name = graph.config.name
    self.inputSize = inputSize
    let image = add(Tensor("input", inputSize, inputSize, 3, isRectified: false))
    operations.append(
      Operation(
        kind: .input, name: "input", block: "stem", input: image, output: image,
        isRectified: false, multiplications: 0))
    var x = addStem(graph.stem, image)
    for block in graph.blocks { x = add(block, x) }
    addHead(graph.head, x)
    setBorders()
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

  /// The tensor of the pooled features.
  public var featuresTensor: Int { tensor(of: .features) }

  /// The tensor of the logits.
  public var logitsTensor: Int { tensor(of: .logits) }

  /// The number of classes.
  public var classCount: Int { tensors[logitsTensor].channels }

  private func tensor(of role: Output.Role) -> Int {
    guard let output = outputs.first(where: { $0.role == role }) else {
      preconditionFailure("every program has features and logits")
    }
    return output.tensor
  }

  /// Takes the weights out of an operation, whose biases and shape stay.
  ///
  /// Whoever keeps them in another layout need not have them twice.
  ///
  /// - Returns: the weights as they were; none for an operation without.
  package mutating func takeWeights(of operation: Int) -> [Float] {
    switch operations[operation].kind {
    case .stem(var convolution):
      let weights = convolution.weights
      convolution.weights = []
      operations[operation].kind = .stem(convolution)
      return weights
    case .convolution(var convolution):
      let weights = convolution.weights
      convolution.weights = []
      operations[operation].kind = .convolution(convolution)
      return weights
    case .linear(var linear):
      let weights = linear.weights
      linear.weights = []
      operations[operation].kind = .linear(linear)
      return weights
    case .input, .averagePool: return []
    }
  }

  private mutating func add(_ tensor: Tensor) -> Int {
    tensors.append(tensor)
    return tensors.count - 1
  }

  private mutating func addStem(_ stem: [Convolution], _ image: Int) -> Int {
    guard let last = stem.last else { preconditionFailure("a stem has convolutions") }
    var x = image
    for convolution in stem.dropLast() {
      x = add(convolution, x, block: "stem", output: convolution.name, isRectified: true)
    }
    let size = last.outputSize(tensors[x].height)
    let pooled = (size + 1) / 2
    let output = add(Tensor("stem", pooled, pooled, last.outputChannels, isRectified: true))
    operations.append(
      Operation(
        kind: .stem(last), name: last.name, block: "stem", input: x, output: output,
        isRectified: true, multiplications: last.multiplications(outputSize: size)))
    return output
  }

  private mutating func add(_ block: ResidualBlock, _ x: Int) -> Int {
    guard let last = block.branch.last else {
      // A dropped branch adds nothing. Behind an identity the rectified input is the output.
      guard case .convolution(let shortcut) = block.shortcut else { return x }
      return add(shortcut, x, block: block.name, output: block.name, isRectified: true)
    }
    var y = x
    for convolution in block.branch.dropLast() {
      y = add(
        convolution, y, block: block.name, output: convolution.name, isRectified: true)
    }
    var residual = x
    if case .convolution(let shortcut) = block.shortcut {
      residual = add(
        shortcut, x, block: block.name, output: shortcut.name, isRectified: false)
    }
    return add(
      last, y, residual: residual, block: block.name, output: block.name, isRectified: true)
  }

  private mutating func add(
    _ convolution: Convolution, _ input: Int, residual: Int? = nil, block: String, output: String,
    isRectified: Bool
  ) -> Int {
    let size = convolution.outputSize(tensors[input].height)
    let result = add(
      Tensor(output, size, size, convolution.outputChannels, isRectified: isRectified))
    operations.append(
      Operation(
        kind: .convolution(convolution), name: convolution.name, block: block, input: input,
        residual: residual, output: result, isRectified: isRectified,
        multiplications: convolution.multiplications(outputSize: size)))
    return result
  }

  private mutating func addHead(_ head: Linear, _ x: Int) {
    let features = add(Tensor("features", 1, 1, head.inputCount, isRectified: true))
    operations.append(
      Operation(
        kind: .averagePool, name: "avgpool", block: "head", input: x, output: features,
        isRectified: true, multiplications: 0))
    let logits = add(Tensor("logits", 1, 1, head.outputCount, isRectified: false))
    operations.append(
      Operation(
        kind: .linear(head), name: head.name, block: "head", input: features, output: logits,
        isRectified: false, multiplications: head.inputCount * head.outputCount))
    outputs = [
      Output(role: .features, tensor: features), Output(role: .logits, tensor: logits),
    ]
  }

  private mutating func setBorders() {
    for operation in operations {
      switch operation.kind {
      case .stem(let convolution), .convolution(let convolution):
        tensors[operation.input].border = max(tensors[operation.input].border, convolution.padding)
      case .input, .averagePool, .linear: break
      }
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

extension Program.Tensor {
  fileprivate init(
    _ name: String, _ height: Int, _ width: Int, _ channels: Int, isRectified: Bool
  ) {
    self.init(
      name: name, height: height, width: width, channels: channels, border: 0,
      isRectified: isRectified)
  }
}

extension Convolution {
  /// The height or width of the output for an input's.
  public func outputSize(_ inputSize: Int) -> Int {
    (inputSize + 2 * padding - kernelSize) / stride + 1
  }

  func multiplications(outputSize: Int) -> Int {
    outputSize * outputSize * outputChannels * inputChannels * kernelSize * kernelSize
  }
}
