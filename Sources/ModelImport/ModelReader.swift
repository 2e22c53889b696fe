// SPDX-License-Identifier: Apache-2.0

public import ResNetModelGraph
import ResNetPlatform

/// A kind of model file: how it is recognized and how it becomes a network.
protocol ModelReader: SendableMetatype {
  /// Such as `ONNX model`.
  static var format: String { get }

  /// Whether a file is of this kind by its first bytes.
  static func recognizes(_ bytes: UnsafeRawBufferPointer) -> Bool

  /// The network in a file of this kind.
  static func read(_ bytes: UnsafeRawBufferPointer, _ options: ImportOptions) throws(ImportError)
    -> Network
}

/// All readers: a new one is a line here.
private let readers: [any ModelReader.Type] = [
  Safetensors.self, TorchArchive.self, LegacyTorch.self, ONNXModel.self,
]

/// What a reader is told beside the bytes.
package struct ImportOptions {
  package var limits = ImportLimits()
  /// The key or prefix of the copy of the weights that is wanted; nil for the best.
  package var weights: String?
  /// Where the stride of bottlenecks is, if the file does not tell; nil for torchvision's place.
  package var bottleneckStride: ResNetConfig.BottleneckStride?
  /// By what a state dictionary's network divides an image's size, if not by all its strides.
  package var outputStride: Int?
  /// What halves images in a state dictionary's network instead of strides.
  package var antiAliasing: ResNetConfig.AntiAliasing?
  /// What the files beside a state dictionary say.
  var configuration: ModelConfiguration?
  /// Where the file is; nil if only its bytes are there.
  package var path: String?
  /// To be called when the bytes are not needed for some time.
  package var dropPages: () -> Void = {}

  package init() {}
}

extension Network {
  /// Reads the network in the file at `path`; the file's kind is known by its contents, not by its name. What files
  /// beside it say of its input and its bottlenecks is taken over: see ``InputDescription/beside(_:)``.
  ///
  /// Every count, offset and size is checked before it is used, and nothing in the file is
  /// executed, so a damaged or hostile file gives an error and never a crash. Time and memory are in proportion to the
  /// file's bytes: docs/limits.md has the limits. If another process
  /// shortens the file meanwhile, the process ends with SIGBUS, as with any mapped file.
  ///
  /// - Parameters:
  ///   - weights: the keys or prefix of the copy of the weights that is wanted, such as `model`, or the output of an
  ///     ONNX model with several classifiers. If nil, averaged ones (EMA) are taken before others: see
  ///     ``Network/source``.
  ///   - bottleneckStride: where the stride of bottlenecks is. It leaves no trace in tensors, only in the graph of
  ///     an ONNX model; nil for what the graph says, and if there is none for torchvision's place.
  ///   - outputStride: by what a state dictionary's network divides an image's size: 8 or 16 if its last stages have
  ///     dilation instead of strides, which leaves no trace in tensors; nil for what a configuration beside it says,
  ///     otherwise for all strides.
  ///   - antiAliasing: what halves images in a state dictionary's network instead of strides; nil for what a
  ///     configuration beside it says.
  /// - Throws: `ImportError`, for each of its cases.
  /// - **Allocates:** 4 bytes for each value of the network, and while a PyTorch file is read its largest
  ///   storage once more, while an ONNX model is read its largest tensor. What lies beside the network, such as an
  ///   optimizer, is not read. The file's pages are mapped beside that, but not while an ONNX model's tensors are read.
  public init(
    contentsOf path: String, weights: String? = nil,
    bottleneckStride: ResNetConfig.BottleneckStride? = nil, outputStride: Int? = nil,
    antiAliasing: ResNetConfig.AntiAliasing? = nil
  ) throws(ImportError) {
    let file = try map(path)
    var options = ImportOptions()
    options.weights = weights
    let configuration = try ModelConfiguration(beside: path)
    options.bottleneckStride = bottleneckStride
    (options.outputStride, options.antiAliasing) = (outputStride, antiAliasing)
    options.configuration = configuration
    options.path = path
    options.dropPages = { file.dropPages() }
    try self.init(bytes: file.bytes, options)
    source.input.complete(with: configuration.input)
    source.input.size = source.input.size ?? config?.usualExtent
    source.notes += configuration.notes
    withExtendedLifetime(file) {}
  }

  /// Reads the network whose file has the contents `bytes`.
  package init(bytes: UnsafeRawBufferPointer, _ options: ImportOptions = ImportOptions())
    throws(ImportError)
  {
    let reader = try reader(of: bytes)
    if !(reader is any StateDictionaryReader.Type) {
      let told = "\(reader.format), whose graph tells it"
      if options.outputStride != nil {
        throw .network(
          .optionMismatch(option: "output stride", expected: "a state dictionary", found: told))
      }
      if options.antiAliasing != nil {
        throw .network(
          .optionMismatch(option: "anti-aliasing", expected: "a state dictionary", found: told))
      }
    }
    // Before the weights are in memory.
    let digest = sha256Hex(bytes)
    options.dropPages()
    self = try reader.read(bytes, options)
    source.format = reader.format
    source.sha256 = digest
    do throws(GraphError) {
      try check()
      if let asked = options.bottleneckStride, let config, config.block == .bottleneck,
        config.blockCounts.count > 1, config.bottleneckStride != asked
      {
        throw .strideMismatch(
          expected: asked.rawValue, found: config.bottleneckStride.rawValue)
      }
    } catch { throw .network(error) }
  }
}

func map(_ path: String) throws(ImportError) -> MappedFile {
  do {
    return try MappedFile(path: path)
  } catch {
    var line = TextLine()
    error.describe(to: &line)
    throw .unreadable(path: path, reason: String(line))
  }
}

func reader(of bytes: UnsafeRawBufferPointer) throws(ImportError) -> any ModelReader.Type {
  if let reader = readers.first(where: { $0.recognizes(bytes) }) { return reader }
  if let kind = unreadKind(bytes) { throw .unsupportedFormat(looksLike: kind) }
  throw .unrecognized(firstBytes: Array(bytes.prefix(8)))
}

/// The formats that are read, for errors.
var knownFormats: String { readers.map { $0.format }.joined(separator: ", ") }

extension UnsafeRawBufferPointer {
  func begins(_ prefix: [UInt8], at offset: Int = 0) -> Bool {
    count >= offset + prefix.count && prefix.indices.allSatisfy { self[offset + $0] == prefix[$0] }
  }

  /// Whether a pickle of protocol 2 to 5 begins here.
  var beginsWithPickle: Bool { count >= 2 && self[0] == 0x80 && (2...5).contains(self[1]) }
}
